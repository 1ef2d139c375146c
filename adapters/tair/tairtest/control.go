package tairtest

import (
	"bytes"
	"encoding/json"
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
		e.control(w, r, func(body []byte) error {
			if body[0] != '[' {
				body = slices.Concat([]byte("["), body, []byte("]"))
			}
			return json.Unmarshal(body, &fleet)
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
				return nil, fmt.Errorf("Advance %q is not a duration such as 1h", move.Advance)
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
	mux.HandleFunc("GET /emulator/ca.pem", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(e.CAPEM())
	})
	return mux
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
		return dec.Decode(into)
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
		answer(w, http.StatusBadRequest, struct{ Error string }{err.Error()})
		return
	}
	answer(w, http.StatusOK, v)
}
