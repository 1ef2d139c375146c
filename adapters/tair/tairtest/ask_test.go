package tairtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// reply is an answer of the API.
type reply struct {
	status int
	date   time.Time
	body   map[string]any
}

// code is the status of the answer, followed by the code of an error.
func (r reply) code() string {
	if code, ok := r.body["Code"]; ok {
		return fmt.Sprint(r.status, " ", code)
	}
	return fmt.Sprint(r.status)
}

// ids are the instances in the answer.
func (r reply) ids() string {
	var ids []string
	for _, row := range r.rows() {
		ids = append(ids, row["InstanceId"].(string))
	}
	return strings.Join(ids, " ")
}

func (r reply) rows() (rows []map[string]any) {
	instances, _ := r.body["Instances"].(map[string]any)
	for _, key := range []string{"KVStoreInstance", "DBInstanceAttribute"} {
		list, _ := instances[key].([]any)
		for _, row := range list {
			rows = append(rows, row.(map[string]any))
		}
	}
	return rows
}

// ask makes an authentic call. query holds its parameters.
func (w *world) ask(action, query string) reply { return w.askAt("", action, query) }

// askAt makes an authentic call to a host name that leads to the emulator.
func (w *world) askAt(host, action, query string) reply {
	w.t.Helper()
	p, err := url.ParseQuery(query)
	if err != nil {
		w.t.Fatal(err)
	}
	p.Set("Action", action)
	p = authentic(p, fmt.Sprint("ask ", nonces.Add(1)))
	p.Set("Signature", tairtest.Sign("emulator-secret", "GET", p))
	r, err := http.NewRequest("GET", w.url+"/?"+p.Encode(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Host = host; host == "" {
		r.Host = strings.TrimPrefix(w.url, "http://")
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	answered := reply{status: resp.StatusCode}
	if err := json.Unmarshal(body, &answered.body); err != nil {
		w.t.Fatalf("%s %s is answered %s", action, query, body)
	}
	if answered.date, err = http.ParseTime(resp.Header.Get("Date")); err != nil {
		w.t.Errorf("%s %s is answered without a Date: %v", action, query, err)
	}
	return answered
}

// control sends an order to the emulator and returns the status and the answer.
func (w *world) control(path, body string) (int, string) {
	w.t.Helper()
	resp, err := w.client.Post(w.url+"/emulator/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}
