package webhook_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http/httptest"
	"testing"

	"tairssl/adapters/webhook"
)

func TestRequestsFromAGatewayAreAnswered(t *testing.T) {
	d := newDoor()
	serve := func(f webhook.Forwarded) (int, string) {
		f.Method = "POST"
		status, _, body := f.Serve(context.Background(), d)
		return status, string(body)
	}
	if status, body := serve(webhook.Forwarded{Path: "/ssl", Header: standard(direct), Body: base64.StdEncoding.EncodeToString([]byte(direct)), Base64: true}); status != 202 {
		t.Errorf("a body in base64 is answered %d %s, want 202", status, body)
	}
	for name, f := range map[string]webhook.Forwarded{
		"a body that is not base64, marked as base64": {Path: "/ssl", Header: standard(direct), Body: direct, Base64: true},
		"an envelope that could not be read":          {Path: "/ssl", Header: standard(direct), Body: direct, Bad: true},
	} {
		if status, body := serve(f); status != 400 {
			t.Errorf("%s is answered %d %s, want 400", name, status, body)
		}
	}
	for _, path := range []string{"", "ssl", "%zz", "/%2Fssl", "http://[::1", "/\x00"} {
		if status, _ := serve(webhook.Forwarded{Path: path}); status != 404 {
			t.Errorf("the path %q is answered %d, want 404", path, status)
		}
	}
	if len(d.through) != 1 {
		t.Errorf("%d requests got through, want 1", len(d.through))
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABodyThatBreaksOffIsABadRequest(t *testing.T) {
	w := httptest.NewRecorder()
	d := newDoor()
	d.ServeHTTP(w, httptest.NewRequest("POST", "/ssl", brokenBody{}))
	if w.Code != 400 {
		t.Errorf("it is answered %d, want 400", w.Code)
	}
}
