package tair_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// kmsOf starts a KMS that answers with serve, and returns the options to reach it.
func kmsOf(t *testing.T, serve http.HandlerFunc) tair.SecretOptions {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	endpoint, err := tair.ParseEndpoint(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return tair.SecretOptions{Region: "cn-hangzhou", Endpoint: endpoint, Credentials: func(context.Context) (tair.Credential, error) {
		return tair.Credential{AccessKeyID: "STS.id", AccessKeySecret: "key-secret", SecurityToken: "session-token"}, nil
	}}
}

func TestASecretOfKMSIsRead(t *testing.T) {
	var asked *http.Request
	o := kmsOf(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r
		_, _ = fmt.Fprint(w, `{"SecretName":"tairssl/webhooks","VersionId":"1","SecretData":"{\"TAIRSSL_CONFIRM_KEY\":\"k\"}","SecretDataType":"text","RequestId":"r"}`)
	})
	got, err := tair.Secret(context.Background(), o, "tairssl/webhooks")
	if err != nil || got != `{"TAIRSSL_CONFIRM_KEY":"k"}` {
		t.Fatalf("the secret is %q, %v", got, err)
	}
	for name, want := range map[string]string{"Action": "GetSecretValue", "Version": "2016-01-20", "SecretName": "tairssl/webhooks", "AccessKeyId": "STS.id", "SecurityToken": "session-token"} {
		if asked.Form.Get(name) != want {
			t.Errorf("the call has %s=%q, want %q", name, asked.Form.Get(name), want)
		}
	}
	if !strings.Contains(asked.UserAgent(), "tairssl/"+handler.Version) {
		t.Errorf("the call comes from %q", asked.UserAgent())
	}
	if asked.Form.Get("Signature") == "" {
		t.Error("the call is not signed")
	}
}

func TestRefusalsOfKMS(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		kind   handler.Kind
		says   string
	}{
		"no right":    {403, `{"Code":"Forbidden.NoPermission","Message":"no permission on tairssl/webhooks, key-secret","RequestId":"r"}`, handler.Forbidden, "kms:GetSecretValue"},
		"no secret":   {404, `{"Code":"Forbidden.ResourceNotFound","Message":"tairssl/webhooks does not exist"}`, handler.NotFound, "no such secret in this region"},
		"a bad name":  {400, `{"Code":"InvalidParameter","Message":"tairssl/webhooks"}`, handler.Invalid, "the name or the credential"},
		"too many":    {429, `{"Code":"Rejected.Throttling","Message":"x"}`, handler.Throttled, "rate"},
		"down":        {503, `{"Code":"ServiceUnavailableTemporary","Message":"x"}`, handler.Unavailable, "fault"},
		"a proxy":     {502, `<html>`, handler.Unavailable, "fault"},
		"no JSON":     {200, `<html>`, handler.Unavailable, "an unexpected form"},
		"binary":      {200, `{"SecretData":"AA==","SecretDataType":"binary"}`, handler.Invalid, "store it as text"},
		"no region":   {200, `{}`, handler.Invalid, "is not a region id"},
		"no response": {0, "", handler.Unavailable, ""},
	} {
		o := kmsOf(t, func(w http.ResponseWriter, _ *http.Request) {
			if test.status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(test.status)
			_, _ = fmt.Fprint(w, test.body)
		})
		if name == "no region" {
			o.Region = "evil/../"
		}
		_, err := tair.Secret(context.Background(), o, "tairssl/webhooks")
		var e *handler.Error
		if !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(e.Message, test.says) {
			t.Errorf("%s: the error is %v", name, err)
		}
		if text := fmt.Sprint(err); strings.Contains(text, "tairssl/webhooks") || strings.Contains(text, "key-secret") {
			t.Errorf("%s: the error shows too much: %v", name, err)
		}
	}
}
