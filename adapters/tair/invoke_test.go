package tair_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

func invoke(url string, payload string, change ...func(*tair.InvokeOptions)) *handler.Error {
	o := tair.InvokeOptions{Credentials: static(secret), Region: "cn-hangzhou", Function: "tairssl_prod-1", Endpoint: url}
	for _, f := range change {
		f(&o)
	}
	if err := tair.InvokeAsync(context.Background(), o, []byte(payload)); err != nil {
		return handler.AsError(err)
	}
	return nil
}

// signature is the signature of the RESTful style, version 1.0: HMAC-SHA1 over the method,
// four headers, the x-acs- headers, and the path with its query.
func signature(r *http.Request) string {
	text := r.Method + "\n"
	for _, name := range []string{"Accept", "Content-MD5", "Content-Type", "Date"} {
		text += r.Header.Get(name) + "\n"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-acs-") {
			text += lower + ":" + r.Header.Get(name) + "\n"
		}
	}
	mac := hmac.New(sha1.New, []byte(secret.AccessKeySecret))
	_, _ = io.WriteString(mac, text+r.URL.RequestURI())
	return "acs " + secret.AccessKeyID + ":" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestInvokeAsyncQueuesThePayload(t *testing.T) {
	for qualifier, path := range map[string]string{
		"":     "/2023-03-30/functions/tairssl_prod-1/invocations",
		"LIVE": "/2023-03-30/functions/tairssl_prod-1/invocations?qualifier=LIVE",
	} {
		var calls atomic.Int32
		var got *http.Request
		var body []byte
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			got = r
			body, _ = io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
		}))
		const payload = `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`
		e := invoke(server.URL, payload, func(o *tair.InvokeOptions) {
			o.Qualifier = qualifier
			o.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		})
		server.Close()
		if e != nil || calls.Load() != 1 {
			t.Fatalf("the invocation ends with %v after %d calls", e, calls.Load())
		}
		if got.Method != http.MethodPost || got.URL.RequestURI() != path || string(body) != payload {
			t.Errorf("the call is %s %s with %s", got.Method, got.URL.RequestURI(), body)
		}
		if "https://"+got.Host != server.URL {
			t.Errorf("the call goes to the host %s, want the host of %s", got.Host, server.URL)
		}
		sum := md5.Sum(body)
		for name, want := range map[string]string{
			"X-Fc-Invocation-Type": "Async", "Content-Type": "application/json", "X-Acs-Version": "2023-03-30", "X-Acs-Action": "InvokeFunction",
			"X-Acs-Security-Token": secret.SecurityToken, "Content-Md5": base64.StdEncoding.EncodeToString(sum[:]), "Authorization": signature(got),
		} {
			if value := got.Header.Get(name); value != want {
				t.Errorf("the header %s is %q, want %q", name, value, want)
			}
		}
	}
}

func TestInvokeAsyncFailures(t *testing.T) {
	fc := func(code string) string {
		return fmt.Sprintf(`{"RequestId":"1-65","Code":%q,"Message":"Its own words %s."}`, code, secret.AccessKeyID)
	}
	for name, test := range map[string]struct {
		serve     http.HandlerFunc
		kind      handler.Kind
		uncertain bool
		says      string
	}{
		"no right":           {answer(403, fc("AccessDenied")), handler.Forbidden, false, "allow fc:InvokeFunction on acs:fc:cn-hangzhou:*:functions/tairssl_prod-1"},
		"no right, old form": {answer(403, `{"ErrorCode":"AccessDenied","ErrorMessage":"no"}`), handler.Forbidden, false, "fc:InvokeFunction"},
		"no right by RAM":    {answer(403, fc("Forbidden.RAM")), handler.Forbidden, false, "fc:InvokeFunction"},
		"no function":        {answer(404, fc("FunctionNotFound")), handler.Internal, false, "name and the region"},
		"a wrong key":        {answer(403, fc("InvalidAccessKeyID")), handler.Forbidden, false, "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"a wrong secret":     {answer(403, fc("SignatureNotMatch")), handler.Forbidden, false, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
		"throttled":          {answer(429, fc("ResourceExhausted")), handler.Throttled, false, "own words"},
		"too large":          {answer(413, fc("EntityTooLarge")), handler.Invalid, false, "own words"},
		"in trouble":         {answer(500, fc("InternalServerError")), handler.Unavailable, true, "own words"},
		"a proxy's page":     {answer(403, "<html>no</html>"), handler.Unavailable, true, "status 403"},
		"run at once":        {answer(200, "done"), handler.Unavailable, true, "status 200"},
		"odd types":          {answer(403, `{"RequestId":7,"Code":["x"]}`), handler.Unavailable, true, "unexpected form"},
		"cut":                {cut, handler.Unavailable, true, ""},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, handler.Unavailable, true, "redirect"},
		"64 MB": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			for range 64 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, handler.Unavailable, true, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); test.serve(w, r) }))
			defer server.Close()
			e := invoke(server.URL, "{}")
			if e == nil || e.Kind != test.kind || e.Uncertain != test.uncertain || !strings.Contains(e.Message, test.says) {
				t.Fatalf("ends with %v (uncertain %v), want %s, uncertain %v, %q", e, e != nil && e.Uncertain, test.kind, test.uncertain, test.says)
			}
			if calls.Load() != 1 {
				t.Errorf("it was sent %d times", calls.Load())
			}
			for _, part := range []string{secret.AccessKeyID, secret.AccessKeySecret, secret.SecurityToken} {
				if strings.Contains(e.Error(), part) || e.Err != nil && strings.Contains(e.Err.Error(), part) {
					t.Errorf("the error shows %s: %v, %v", part, e, e.Err)
				}
			}
		})
	}
}

// Wrong options are refused before a credential is requested.
func TestInvokeAsyncRefusesOddOptions(t *testing.T) {
	asked := false
	for name, change := range map[string]func(*tair.InvokeOptions){
		"a region that is none":   func(o *tair.InvokeOptions) { o.Region = "cn-hangzhou.evil.com/" },
		"no region":               func(o *tair.InvokeOptions) { o.Region = "" },
		"a name that is a path":   func(o *tair.InvokeOptions) { o.Function = "../services/x" },
		"a name with a query":     func(o *tair.InvokeOptions) { o.Function = "a?b" },
		"no name":                 func(o *tair.InvokeOptions) { o.Function = "" },
		"a qualifier of a query":  func(o *tair.InvokeOptions) { o.Qualifier = "a&b=c" },
		"http to another machine": func(o *tair.InvokeOptions) { o.Endpoint = "http://fc.example.com" },
		"an endpoint with a path": func(o *tair.InvokeOptions) { o.Endpoint = "https://fc.example.com/x" },
	} {
		e := invoke("", "{}", change, func(o *tair.InvokeOptions) {
			o.Credentials = func(context.Context) (tair.Credential, error) { asked = true; return secret, nil }
		})
		if e == nil || e.Kind != handler.Invalid || asked {
			t.Errorf("%s: ends with %v; a credential was requested: %v", name, e, asked)
		}
	}
	if e := invoke("", strings.Repeat(" ", tair.MaxAsyncPayload+1)); e == nil || e.Kind != handler.Invalid || !strings.Contains(e.Message, "131072") {
		t.Errorf("a payload that is too long ends with %v", e)
	}
}

func TestInvokeAsyncEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	o := tair.InvokeOptions{Credentials: static(secret), Region: "cn-hangzhou", Function: "f", Endpoint: server.URL}
	if err := tair.InvokeAsync(ctx, o, []byte("{}")); !errors.Is(err, context.DeadlineExceeded) || !handler.AsError(err).Uncertain {
		t.Errorf("an invocation past its deadline ends with %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := tair.InvokeAsync(ended, o, []byte("{}")); err == nil || handler.AsError(err).Uncertain {
		t.Errorf("an invocation that never started ends with %v", err)
	}
	o.Credentials = func(context.Context) (tair.Credential, error) {
		return tair.Credential{}, handler.Errorf(handler.Forbidden, "none")
	}
	if err := tair.InvokeAsync(context.Background(), o, []byte("{}")); !errors.Is(err, handler.Forbidden) {
		t.Errorf("without credentials it ends with %v", err)
	}
}

func TestInvokeAsyncThatReachesNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	_ = listener.Close()
	if e := invoke(url, "{}"); e == nil || e.Uncertain || e.Kind != handler.Unavailable {
		t.Errorf("a refused connection ends with %v", e)
	}
}
