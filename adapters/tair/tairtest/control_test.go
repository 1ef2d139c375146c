package tairtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

func TestControls(t *testing.T) {
	w := newWorld(t)
	post := func(path, body string) (int, string) {
		resp, err := http.Post(w.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	if status, text := post("/emulator/instances", `{"InstanceId":"r-new","SSLExpiredTime":"2027-01-01T00:00:00Z","Tags":{"a":"b"}}`); status != 200 || !strings.Contains(text, `"r-new"`) {
		t.Errorf("adding an instance is answered %d %s", status, text)
	}
	if i, ok := w.Instance("r-new"); !ok || i.RegionID != "cn-hangzhou" || i.CertCommonName != "r-new.redis.rds.aliyuncs.com" || i.MaintainStartTime != "18:00Z" || i.DataPlane == "" {
		t.Errorf("the defaults are %+v", i)
	}
	before := w.Now()
	if status, _ := post("/emulator/clock", `{"Advance":"1h"}`); status != 200 || w.Now().Sub(before) != time.Hour {
		t.Errorf("the clock moved by %s, answered %d", w.Now().Sub(before), status)
	}
	if status, text := post("/emulator/faults", `{"Action":"ModifyInstanceSSL","Kind":"throttle"}`); status != 200 || !strings.Contains(text, `"Times":1`) {
		t.Errorf("a fault is answered %d %s", status, text)
	}
	for path, bodies := range map[string][]string{
		"/emulator/instances": {``, `{}`, `{"InstanceId":"r-x","Colour":"red"}`, `{"InstanceId":"r-x","SSLEnabled":"Maybe"}`, `{"InstanceId":"r-x","SSLExpiredTime":"soon"}`, `{"InstanceId":"r-x","MaintainEndTime":"26:00Z"}`, `[`},
		"/emulator/clock":     {``, `{"Advance":"tomorrow"}`, `{"Back":"1h"}`},
		"/emulator/faults":    {`{"Action":"X","Kind":"slow"}`, `{"Kind":"odd"}`, `{"Kind":"slow","Times":-1}`, `{"Kind":"slow","Times":"x"}`},
	} {
		for _, body := range bodies {
			if status, text := post(path, body); status != 400 || !strings.Contains(text, "Error") {
				t.Errorf("%s %s is answered %d %s", path, body, status, text)
			}
		}
	}
	resp, err := http.Get(w.url + "/emulator/instances")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var fleet []map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&fleet); err != nil || len(fleet) != 12 || fleet[0]["Restarts"] != 0.0 || fleet[0]["Tags"] == nil {
		t.Errorf("the fleet reads %v, %v", fleet, err)
	}
}

func TestControlPathsAndMethods(t *testing.T) {
	w := newWorld(t)
	client := newClient(t, nil)
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/emulator/nothing", "", 404}, {"GET", "/elsewhere", "", 404},
		{"DELETE", "/emulator/instances", "", 405}, {"PUT", "/emulator/clock", "", 405}, {"POST", "/emulator/ca.pem", "", 405},
		{"POST", "/emulator/ca/" + id + "/ApsaraDB-CA-Chain.zip", "", 405}, {"GET", "/emulator/ca/r-none/ApsaraDB-CA-Chain.zip", "", 404},
		{"POST", "/emulator/clock", `{"Advance":"1h"} more`, 400},
		{"POST", "/emulator/instances", `{"InstanceId":"r-a"},{"InstanceId":"r-b"}`, 400},
	} {
		r, err := http.NewRequest(test.method, w.url+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Error string }
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		if resp.StatusCode != test.status || err != nil || answer.Error == "" {
			t.Errorf("%s %s is answered %d %q, want %d with an Error", test.method, test.path, resp.StatusCode, answer.Error, test.status)
		}
	}
	if _, ok := w.Instance("r-a"); ok {
		t.Error("a part of a refused body was put")
	}
	before := w.Instances()
	if err := w.Put(tairtest.Instance{InstanceID: "r-good"}, tairtest.Instance{InstanceID: "not an id"}); err == nil || !strings.HasPrefix(err.Error(), "instance 1: InstanceId") {
		t.Errorf("a wrong instance is put, or the error does not name it: %v", err)
	}
	if len(w.Instances()) != len(before) {
		t.Error("a refused Put left something behind")
	}
}

// A control answers a wrong order with an error and changes nothing.
func TestAWrongOrderChangesNothing(t *testing.T) {
	w := newWorld(t)
	for path, bodies := range map[string][]string{
		"clock":         {`{}`, `{"Skew":"soon"}`, `{"Advance":"1h","Skew":""}`},
		"stale-serving": {`{}`, `{"StaleServing":"-1s"}`, `{"StaleServing":60}`},
		"ca":            {`{}`, `{"Rotate":false}`, `{"Rotate":"yes"}`, `{"Name":"x"}`},
		"stale-reads":   {`{}`, `{"StaleReads":"-1s"}`, `{"StaleReads":60}`},
		"quotas": {`{"Action":"TagResources"}`, `{"Action":"TagResources","Calls":5}`, `{"Action":"TagResources","Calls":-1,"Window":"1s"}`,
			`{"Action":"TagResources","Calls":5,"Window":"-1s"}`, `{"Action":"MakeTea","Calls":5,"Window":"1s"}`, `{"Calls":5,"Window":"1s"}`},
		"tag-policy": {`{}`, `{"Keys":"tairssl-*"}`},
		"faults":     {`{"Kind":"throttle","Times":1,"Share":0.5}`, `{"Kind":"throttle","Share":1.5}`, `{"Kind":"throttle","Share":-0.1}`, `{"Share":0.5}`},
	} {
		for _, body := range bodies {
			if status, text := w.control(path, body); status != 400 || !strings.Contains(text, `"Error":"`) {
				t.Errorf("%s %s is answered %d %s", path, body, status, text)
			}
		}
	}
	before := w.Now()
	if got := w.ask("DescribeInstanceSSL", "InstanceId="+id); got.status != 200 || got.date.Sub(before).Abs() > time.Second {
		t.Errorf("after wrong orders a call is answered %s, with the Date %s at %s", got.code(), got.date, before)
	}
}
