package lambda_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"tairssl/adapters/function"
	"tairssl/adapters/lambda"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// The search for leaks finds a secret in every encoding.
func TestALeakIsFoundInEveryEncoding(t *testing.T) {
	encode := map[string]func(string) string{
		"plain":         func(s string) string { return s },
		"cut":           func(s string) string { return s[:14] + "…" },
		"in JSON":       func(s string) string { return string(handler.JSON(s)) },
		"in a URL":      url.QueryEscape,
		"in a path":     url.PathEscape,
		"in hex":        func(s string) string { return hex.EncodeToString([]byte(s)) },
		"in base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"in basic auth": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s)) },
		"in a JWT":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(`{"k":"` + s + `"}`)) },
		"in %x":         func(s string) string { return fmt.Sprintf("%X", s) },
	}
	for name, secret := range secrets {
		for form, f := range encode {
			if len(leaks("some text "+f(secret)+" and more", map[string]string{name: secret})) == 0 {
				t.Errorf("the %s is not found %s", name, form)
			}
		}
	}
}

// The search for leaks finds a secret that the real code lets through to any channel.
func TestALeakIsFoundInEveryChannel(t *testing.T) {
	direct := []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`)
	careless := func(s *stage, credentials tair.Credentials) awslambda.Handler {
		return lambda.Over(function.Options{Environ: s.environ, Log: channel{s.ears, "log"}, Transport: s.ears, Credentials: credentials})
	}
	for name, test := range map[string]struct {
		channels []string
		leak     func(*stage) awslambda.Handler
	}{
		"a message that quotes the key": {[]string{"log", "answers"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) {
				return tair.Credential{}, handler.Errorf(handler.Forbidden, "the key %s is not allowed", secrets["access key secret"])
			})
		}},
		"a message that quotes it encoded, and is tried again": {[]string{"log", "errors"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) {
				return tair.Credential{}, handler.Errorf(handler.Unavailable, "no answer from ?Secret=%s", url.QueryEscape(secrets["access key secret"]))
			})
		}},
		"a panic with the token": {[]string{"log"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) { panic(secrets["security token"]) })
		}},
		"a line of debugging": {[]string{"stderr", "stdout"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) {
				fmt.Fprintln(os.Stderr, secrets["access key secret"])
				fmt.Println(base64.StdEncoding.EncodeToString([]byte(secrets["access key secret"])))
				return tair.Credential{}, handler.Errorf(handler.Forbidden, "no")
			})
		}},
	} {
		s := newStage(t)
		s.printed(t, func() { s.invoke(test.leak(s), direct) })
		found := s.check()
		for _, c := range test.channels {
			if !slices.ContainsFunc(found, func(leak string) bool { return strings.HasPrefix(leak, c+": ") }) {
				t.Errorf("%s: the leak in %s is not found among %q", name, c, found)
			}
		}
	}
}

func TestALeakIsFoundInANotice(t *testing.T) {
	s := newStage(t)
	r, _ := http.NewRequest(http.MethodPost, "https://hooks.slack.com/x", bytes.NewReader([]byte(secrets["feishu app secret"])))
	func() {
		defer func() { _ = recover() }() // one of its answers is a panic
		_, _ = s.RoundTrip(r)
	}()
	if len(s.check()) == 0 {
		t.Error("a notice with another platform's secret is not found")
	}
}
