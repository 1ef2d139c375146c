package tairtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// control is a path under /emulator/ that speaks JSON. A control without show answers an
// order with the body of the order.
type control struct {
	show  func() any              // answers a GET, and a POST after its order
	order func(body []byte) error // carries out a POST
}

func (e *Emulator) controls() map[string]control {
	return map[string]control{
		"instances":     {show: func() any { return e.Instances() }, order: e.orderInstances},
		"clock":         {show: e.showClock, order: e.orderClock},
		"stale-reads":   {show: e.showStaleReads, order: e.orderStaleReads},
		"stale-serving": {show: e.showStaleServing, order: e.orderStaleServing},
		"ca":            {show: e.showCA, order: e.orderCA},
		"faults":        {show: e.showFaults, order: e.orderFault},
		"quotas":        {show: e.showQuotas, order: e.orderQuota},
		"policy":        {order: e.Policy},
		"tag-policy":    {show: e.showTagPolicy, order: e.orderTagPolicy},
		"calls":         {show: func() any { return e.allCalls() }},
	}
}

// routes holds the OpenAPI and the controls.
func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", e.openAPI)
	for name, c := range e.controls() {
		path := "/emulator/" + name
		var allow []string
		if c.show != nil {
			allow = append(allow, "GET")
			mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, c.show()) })
		}
		if c.order != nil {
			allow = append(allow, "POST")
			mux.HandleFunc("POST "+path, c.obey)
		}
		refuseOthers(mux, path, strings.Join(allow, ", "))
	}
	e.caRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, fmt.Errorf("the path %.100q is unknown", r.URL.Path))
	})
	return mux
}

// refuseOthers answers the other methods of a path with 405.
func refuseOthers(mux *http.ServeMux, path, allow string) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		problem(w, http.StatusMethodNotAllowed, fmt.Errorf("%s takes %s", path, allow))
	})
}

func problem(w http.ResponseWriter, status int, err error) {
	answer(w, status, struct{ Error string }{err.Error()})
}

const maxControl = 256 << 20 // a fleet of 100,000 instances has about 40 MB

// obey carries out the order in the body of a POST.
func (c control) obey(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControl))
	if body = bytes.TrimSpace(body); err == nil && len(body) == 0 {
		err = errors.New("the body is empty; it takes JSON")
	}
	if err == nil {
		err = c.order(body)
	}
	switch {
	case err != nil:
		problem(w, http.StatusBadRequest, err)
	case c.show == nil:
		answer(w, http.StatusOK, json.RawMessage(body))
	default:
		answer(w, http.StatusOK, c.show())
	}
}

// strict decodes one JSON value without unknown fields.
func strict(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("the body holds more than one JSON value")
	}
	return nil
}

// duration reads a field that holds a Go duration.
func duration(field, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		err = fmt.Errorf("the field %s is %q; it takes a duration such as 1h", field, text)
	}
	return d, err
}
