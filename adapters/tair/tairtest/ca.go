package tairtest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// RotateCA makes a new CA. The new CA signs the certificates of all changes that are
// accepted from now on. Until an instance is changed, it keeps its certificate, and its
// CertDownloadURL keeps the old CA. The https address of the API keeps its certificate.
func (e *Emulator) RotateCA() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	ca, err := newAuthority(fmt.Sprintf("tairssl emulator CA %d", e.rotations+2), e.options.Now())
	if err != nil {
		return err
	}
	e.signing = ca
	e.rotations++
	return nil
}

func (e *Emulator) showCA() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return struct {
		SHA256    string
		Rotations int
	}{e.signing.fingerprint(), e.rotations}
}

func (e *Emulator) orderCA(body []byte) error {
	var order struct{ Rotate bool }
	if err := strict(body, &order); err != nil {
		return err
	}
	if !order.Rotate {
		return errors.New("the field Rotate is missing or false; it takes true")
	}
	return e.RotateCA()
}

// StaleServing makes every data plane show the certificate that its instance had d ago. So
// the API reports a change as done before clients see it. 0 means the present certificate.
func (e *Emulator) StaleServing(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.staleServing = max(d, 0)
}

func (e *Emulator) showStaleServing() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return struct{ StaleServing string }{e.staleServing.String()}
}

func (e *Emulator) orderStaleServing(body []byte) error {
	var order struct{ StaleServing string }
	if err := strict(body, &order); err != nil {
		return err
	}
	d, err := duration("StaleServing", order.StaleServing)
	if err == nil && d < 0 {
		err = fmt.Errorf("the field StaleServing is %s; it takes 0s, for none, or more", d)
	}
	if err == nil {
		e.StaleServing(d)
	}
	return err
}

// serving returns the state that the data plane of an instance shows.
func (e *Emulator) serving(id string) (s state, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.find(id)
	if i == nil {
		return state{}, false
	}
	return i.asOf(e.now().Add(-e.staleServing)), true
}

// archivePath is the path of an instance's CA chain.
const archivePath = "/emulator/ca/%s/ApsaraDB-CA-Chain.zip"

// serveArchive answers a CertDownloadURL.
func (e *Emulator) serveArchive(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	i := e.find(r.PathValue("id"))
	var ca *authority
	if i != nil {
		ca = i.ca
		if i.SSLEnabled != "Enable" { // the CA of the certificate that Enable would give
			ca = e.signing
		}
	}
	e.mu.Unlock()
	if ca == nil {
		problem(w, http.StatusNotFound, fmt.Errorf("there is no instance %.100q", r.PathValue("id")))
		return
	}
	archive, err := ca.archive()
	if err != nil {
		problem(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(archive) // the caller may have gone
}

// caRoutes are the downloads. They need no signature.
func (e *Emulator) caRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /emulator/ca.pem", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(e.CAPEM())
	})
	refuseOthers(mux, "/emulator/ca.pem", "GET")
	path := strings.Replace(archivePath, "%s", "{id}", 1)
	mux.HandleFunc("GET "+path, e.serveArchive)
	refuseOthers(mux, path, "GET")
}
