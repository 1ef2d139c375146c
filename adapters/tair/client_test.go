package tair_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ref    = handler.Ref{RegionID: "cn-hangzhou", InstanceID: "r-bp1zxszhcgatnx01"}
	secret = tair.Credential{AccessKeyID: "LTAI5tSecretKeyId", AccessKeySecret: "Very/Secret+Key=", SecurityToken: "CAIS/Token+with=signs"}
)

func static(c tair.Credential) tair.Credentials {
	return func(context.Context) (tair.Credential, error) { return c, nil }
}

// against returns a client of a server that answers every call with serve.
func against(t *testing.T, serve http.HandlerFunc) *tair.Client {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return clientOf(t, server.URL)
}

func clientOf(t *testing.T, url string) *tair.Client {
	t.Helper()
	endpoint, err := tair.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	client := tair.New(static(secret), tair.Options{Endpoint: endpoint, Rate: -1})
	t.Cleanup(client.Close)
	return client
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func refusal(code string) string {
	return fmt.Sprintf(`{"RequestId":"AD7E16AA","HostId":"r-kvstore.aliyuncs.com","Code":%q,"Message":"The API's own words."}`, code)
}

func cut(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// inTime is a signing limit far enough in the future.
func inTime() time.Time { return time.Now().Add(5 * time.Minute) }

func modify(c *tair.Client) *handler.Error {
	_, err := c.Modify(context.Background(), ref, handler.Update, inTime())
	if err == nil {
		return nil
	}
	return handler.AsError(err)
}

func TestUnusableAnswersFail(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"cut":                        cut,
		"empty":                      answer(200, ""),
		"not JSON":                   answer(200, "<html>"),
		"half JSON":                  answer(200, `{"RequestId":"AD7E`),
		"of another instance":        answer(200, `{"RequestId":"AD7E16AA","InstanceId":"r-other"}`),
		"a proxy's page":             answer(502, "<html>bad gateway</html>"),
		"a page that says forbidden": answer(403, "<html>forbidden</html>"),
		"an error of odd types":      answer(403, `{"RequestId":7,"Code":["x"],"Message":{}}`),
		"a list":                     answer(200, `[]`),
		"64 MB": func(w http.ResponseWriter, r *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 64 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			client := against(t, func(w http.ResponseWriter, r *http.Request) { calls.Add(1); serve(w, r) })
			e := modify(client)
			if e == nil || !e.Uncertain {
				t.Fatalf("a write with this answer ends with %v, want an uncertain error", e)
			}
			if calls.Load() != 1 {
				t.Errorf("the write was sent %d times", calls.Load())
			}
			for _, part := range []string{secret.AccessKeyID, secret.AccessKeySecret, secret.SecurityToken, "Signature"} {
				if strings.Contains(e.Error(), part) || e.Err != nil && strings.Contains(e.Err.Error(), part) {
					t.Errorf("the error shows %s: %v, %v", part, e, e.Err)
				}
			}
			if _, err := client.SSL(context.Background(), ref); err == nil {
				t.Error("a read with this answer succeeds")
			}
		})
	}
}

func TestRefusalsShowNoSecret(t *testing.T) {
	body := fmt.Sprintf(`{"RequestId":"1","Code":"Odd","Message":"AccessKeyId=%s&SecurityToken=%s&x=%s"}`,
		secret.AccessKeyID, "CAIS%2FToken%2Bwith%3Dsigns", "CAIS%252FToken%252Bwith%253Dsigns")
	e := modify(against(t, answer(400, body)))
	for _, part := range []string{secret.AccessKeyID, "CAIS"} {
		if strings.Contains(e.Error(), part) {
			t.Errorf("the error shows %s: %v", part, e)
		}
	}
	for _, text := range []string{fmt.Sprint(secret), fmt.Sprintf("%+v", secret), fmt.Sprintf("%#v", secret), secret.LogValue().String()} {
		if strings.Contains(text, "Secret") {
			t.Errorf("a credential prints as %s", text)
		}
	}
}

func TestAWriteThatWasNotSentIsCertain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	_ = listener.Close()
	if e := modify(clientOf(t, url)); e == nil || e.Uncertain || e.Kind != handler.Unavailable {
		t.Errorf("a refused connection ends with %v (uncertain %v)", e, e != nil && e.Uncertain)
	}

	server := httptest.NewTLSServer(answer(200, `{}`))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	if e := modify(clientOf(t, server.URL)); e == nil || e.Uncertain || !strings.Contains(e.Message, "certificate") {
		t.Errorf("a server without trust ends with %v", e)
	}
}

func TestReadsAreTriedAgain(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"throttled": answer(400, refusal("Throttling.User")), "unavailable": answer(503, refusal("ServiceUnavailable")),
		"cut": cut, "malformed": answer(200, "{"), "stale timestamp": answer(400, refusal("InvalidTimeStamp.Expired")), "nonce used": answer(400, refusal("SignatureNonceUsed")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			nonces := map[string]bool{}
			client := against(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				nonces[r.URL.Query().Get("SignatureNonce")] = true
				n := len(nonces)
				mu.Unlock()
				if n < 3 {
					serve(w, r)
					return
				}
				answer(200, `{"InstanceId":"r-bp1zxszhcgatnx01","RequestId":"1","SSLEnabled":"Enable","SSLExpiredTime":"2026-12-01T00:00:00Z"}`)(w, r)
			})
			ssl, err := client.SSL(context.Background(), ref)
			if err != nil || !ssl.Enabled || handler.At(ssl.Expires).String() != "2026-12-01T00:00:00Z" {
				t.Errorf("the third try gave %+v, %v", ssl, err)
			}
		})
	}
	var calls atomic.Int32
	client := against(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		answer(404, refusal("InvalidInstanceId.NotFound"))(w, r)
	})
	if _, err := client.SSL(context.Background(), ref); !errors.Is(err, handler.NotFound) || calls.Load() != 1 {
		t.Errorf("an unknown instance took %d calls: %v", calls.Load(), err)
	}
}

func TestContextEndsACall(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{}, 8)
	client := against(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	_, err := client.Modify(ctx, ref, handler.Update, inTime())
	if e := handler.AsError(err); !errors.Is(err, context.Canceled) || !e.Uncertain || e.Kind != handler.Unavailable {
		t.Errorf("a write that was cancelled on its way ends with %v (uncertain %v)", err, e.Uncertain)
	}

	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.SSL(short, ref); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read past its deadline ends with %v", err)
	}

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = client.Modify(ended, ref, handler.Update, inTime())
	if e := handler.AsError(err); err == nil || e.Uncertain {
		t.Errorf("a write that never started ends with %v (uncertain %v)", err, e.Uncertain)
	}
}

func TestAnUnreadableStateIsAnError(t *testing.T) {
	for name, body := range map[string]string{
		"no state":         `{"InstanceId":"r-bp1zxszhcgatnx01","RequestId":"1"}`,
		"another instance": `{"InstanceId":"r-other","RequestId":"1","SSLEnabled":"Enable","SSLExpiredTime":"2026-12-01T00:00:00Z"}`,
		"a strange time":   `{"InstanceId":"r-bp1zxszhcgatnx01","RequestId":"1","SSLEnabled":"Enable","SSLExpiredTime":"soon"}`,
	} {
		if ssl, err := against(t, answer(200, body)).SSL(context.Background(), ref); !errors.Is(err, handler.Unavailable) {
			t.Errorf("%s was read as %+v, %v", name, ssl, err)
		}
	}
	off := `{"InstanceId":"r-bp1zxszhcgatnx01","RequestId":"1","SSLEnabled":"Disable","SSLExpiredTime":""}`
	if ssl, err := against(t, answer(200, off)).SSL(context.Background(), ref); err != nil || ssl.Enabled || !ssl.Expires.IsZero() {
		t.Errorf("disabled encryption was read as %+v, %v", ssl, err)
	}
	if _, err := against(t, answer(200, `{"RequestId":"1","Instances":{"DBInstanceAttribute":[]}}`)).Instance(context.Background(), ref); !errors.Is(err, handler.NotFound) {
		t.Errorf("an empty list of instances ends with %v", err)
	}
}

func TestACallBeyondTheRateLimitFails(t *testing.T) {
	server := httptest.NewServer(answer(404, refusal("InvalidInstanceId.NotFound")))
	defer server.Close()
	endpoint, _ := tair.ParseEndpoint(server.URL)
	client := tair.New(static(secret), tair.Options{Endpoint: endpoint, Rate: 0.01})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = client.SSL(ctx, ref)
	if _, err := client.SSL(ctx, ref); !errors.Is(err, handler.Throttled) {
		t.Errorf("a call beyond the rate ends with %v", err)
	}
}

func TestNoCredentials(t *testing.T) {
	client := tair.New(tair.EnvironmentCredentials(func(string) string { return "" }), tair.Options{})
	_, err := client.Modify(context.Background(), ref, handler.Update, inTime())
	if e := handler.AsError(err); !errors.Is(err, handler.Forbidden) || e.Uncertain || !strings.Contains(e.Message, "ALIBABA_CLOUD_ACCESS_KEY_ID") {
		t.Errorf("a call without credentials ends with %v", err)
	}
}
