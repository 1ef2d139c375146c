package tairtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// routes are the OpenAPI and the controls.
func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", e.openAPI)
	mux.HandleFunc("GET /emulator/instances", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, e.Instances())
	})
	mux.HandleFunc("POST /emulator/instances", func(w http.ResponseWriter, r *http.Request) {
		var fleet []Instance
		e.control(w, r, func(body []byte) (err error) {
			fleet, err = DecodeInstances(body)
			return err
		}, func() (any, error) {
			err := e.Put(fleet...)
			return e.Instances(), err
		})
	})
	mux.HandleFunc("GET /emulator/clock", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, e.clock()) })
	mux.HandleFunc("POST /emulator/clock", func(w http.ResponseWriter, r *http.Request) {
		var move struct{ Advance string }
		e.control(w, r, strict(&move), func() (any, error) {
			d, err := time.ParseDuration(move.Advance)
			if err != nil {
				return nil, fmt.Errorf("the field Advance is %q; it takes a duration such as 1h", move.Advance)
			}
			e.Advance(d)
			return e.clock(), nil
		})
	})
	mux.HandleFunc("GET /emulator/faults", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, e.pendingFaults()) })
	mux.HandleFunc("POST /emulator/faults", func(w http.ResponseWriter, r *http.Request) {
		f := Fault{Times: 1}
		e.control(w, r, strict(&f), func() (any, error) {
			err := e.Fault(f)
			return e.pendingFaults(), err
		})
	})
	mux.HandleFunc("GET /emulator/calls", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, e.allCalls()) })
	mux.HandleFunc("POST /emulator/policy", func(w http.ResponseWriter, r *http.Request) {
		var document []byte
		e.control(w, r, func(body []byte) error { document = body; return nil }, func() (any, error) {
			return json.RawMessage(document), e.Policy(document)
		})
	})
	mux.HandleFunc("GET /emulator/ca.pem", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(e.CAPEM())
	})
	for path, allow := range map[string]string{
		"/emulator/instances": "GET, POST", "/emulator/clock": "GET, POST", "/emulator/faults": "GET, POST",
		"/emulator/policy": "POST", "/emulator/calls": "GET", "/emulator/ca.pem": "GET",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			problem(w, http.StatusMethodNotAllowed, fmt.Errorf("%s takes %s", path, allow))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, fmt.Errorf("the path %.100q is unknown", r.URL.Path))
	})
	return mux
}

func problem(w http.ResponseWriter, status int, err error) {
	answer(w, status, struct{ Error string }{err.Error()})
}

func (e *Emulator) clock() any { return struct{ Now string }{e.Now().UTC().Format(time.RFC3339)} }

func (e *Emulator) pendingFaults() []Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Fault{}, e.faults...)
}

// strict decodes one JSON value without unknown fields.
func strict(into any) func([]byte) error {
	return func(body []byte) error {
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
}

const maxControl = 256 << 20 // a fleet of 100,000 is some 30 MB

// control reads a body, acts and answers.
func (e *Emulator) control(w http.ResponseWriter, r *http.Request, decode func([]byte) error, act func() (any, error)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControl))
	if body = bytes.TrimSpace(body); err == nil && len(body) == 0 {
		err = fmt.Errorf("the body is empty; it takes JSON")
	}
	if err == nil {
		err = decode(body)
	}
	var v any
	if err == nil {
		v, err = act()
	}
	if err != nil {
		problem(w, http.StatusBadRequest, err)
		return
	}
	answer(w, http.StatusOK, v)
}
