package tair_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

const identityToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0YWlyc3NsIn0.c2lnbmF0dXJl+/="

// sts is an emulated STS. Its clock is also the clock of its client.
type sts struct {
	calls atomic.Int64
	serve atomic.Pointer[http.HandlerFunc] // nil answers with credentials

	mu       sync.Mutex
	now      time.Time
	requests []url.Values // the last ones
}

func (s *sts) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *sts) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *sts) answer(serve http.HandlerFunc) {
	if serve == nil {
		s.serve.Store(nil)
		return
	}
	s.serve.Store(&serve)
}

func (s *sts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.calls.Add(1)
	if serve := s.serve.Load(); serve != nil {
		(*serve)(w, r)
		return
	}
	_ = r.ParseForm()
	s.mu.Lock()
	s.requests = []url.Values{r.URL.Query(), r.PostForm}
	s.mu.Unlock()
	_, _ = fmt.Fprintf(w, `{"RequestId":"3D57EAD2","AssumedRoleUser":{"Arn":"acs:ram::1:role/tairssl/tairssl"},"Credentials":{"AccessKeyId":"STS.%d","AccessKeySecret":"secret-%d","SecurityToken":"token-%d","Expiration":%q}}`,
		n, n, n, s.time().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z"))
}

func constant(context.Context) (string, error) { return identityToken, nil }

func newSTS(t *testing.T, token tair.TokenSource) (*sts, tair.Credentials) {
	t.Helper()
	s := &sts{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	endpoint, err := tair.ParseEndpoint(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, tair.OIDC(token, tair.OIDCOptions{
		RoleARN: "acs:ram::1234567890123456:role/tairssl", ProviderARN: "acs:ram::1234567890123456:oidc-provider/aws", Endpoint: endpoint, Now: s.time,
	})
}

func mustCredential(t *testing.T, c tair.Credentials, id string) {
	t.Helper()
	got, err := c(context.Background())
	if err != nil || got.AccessKeyID != id {
		t.Fatalf("gave key %q, %v; want %s", got.AccessKeyID, err, id)
	}
}

func mustFail(t *testing.T, c tair.Credentials, kind handler.Kind) *handler.Error {
	t.Helper()
	_, err := c(context.Background())
	var e *handler.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Retryable != (kind == handler.Throttled || kind == handler.Unavailable) {
		t.Fatalf("failed with %v, want %s", err, kind)
	}
	for _, secret := range []string{identityToken, url.QueryEscape(identityToken)} {
		if strings.Contains(e.Error()+fmt.Sprint(e.Err), secret) {
			t.Errorf("the error shows the token: %v, %v", e, e.Err)
		}
	}
	return e
}

func TestOIDCSendsAnUnsignedForm(t *testing.T) {
	s, c := newSTS(t, constant)
	got, err := c(context.Background())
	if want := (tair.Credential{AccessKeyID: "STS.1", AccessKeySecret: "secret-1", SecurityToken: "token-1"}); err != nil || got != want {
		t.Fatalf("gave another credential, or %v", err)
	}
	for n, want := range []url.Values{
		{"Action": {"AssumeRoleWithOIDC"}, "Version": {"2015-04-01"}, "Format": {"JSON"}, "Timestamp": {"2026-11-24T12:00:00Z"}},
		{"RoleArn": {"acs:ram::1234567890123456:role/tairssl"}, "OIDCProviderArn": {"acs:ram::1234567890123456:oidc-provider/aws"}, "OIDCToken": {identityToken},
			"RoleSessionName": {"tairssl"}, "DurationSeconds": {"3600"}},
	} {
		if s.requests[n].Encode() != want.Encode() {
			t.Errorf("sent %v, want %v", s.requests[n], want)
		}
	}
}

func TestOIDCCredentialIsKeptAndReplacedBeforeItEnds(t *testing.T) {
	s, c := newSTS(t, constant)
	mustCredential(t, c, "STS.1")
	s.advance(54 * time.Minute)
	mustCredential(t, c, "STS.1")
	s.advance(2 * time.Minute)
	mustCredential(t, c, "STS.2")
	mustCredential(t, c, "STS.2")
	s.advance(3 * time.Hour)
	mustCredential(t, c, "STS.3")
}

func TestOIDCOneExchangeForAll(t *testing.T) {
	s, c := newSTS(t, constant)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got, err := c(context.Background()); err != nil || got.AccessKeyID != "STS.1" {
				t.Errorf("gave %q, %v", got.AccessKeyID, err)
			}
		})
	}
	all.Wait()
	if n := s.calls.Load(); n != 1 {
		t.Errorf("50 callers made %d exchanges", n)
	}
}

// While one caller exchanges the token, another caller gets the old credential if it is
// still valid. Otherwise the other caller waits until its own deadline.
func TestOIDCWaitingForAnothersExchange(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	s, c := newSTS(t, constant)
	hold := func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-release
		answer(500, refusal("InternalError"))(w, r)
	}
	var first sync.WaitGroup

	s.answer(hold)
	first.Go(func() { _, _ = c(context.Background()) })
	<-began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c(ctx); !errors.Is(err, handler.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller without time ended with %v", err)
	}
	release <- struct{}{}
	first.Wait()

	s.answer(nil)
	s.advance(time.Minute)
	mustCredential(t, c, "STS.2")
	s.advance(56 * time.Minute)
	s.answer(hold)
	first.Go(func() { // the exchange fails, the old credential is valid
		if got, err := c(context.Background()); err != nil || got.AccessKeyID != "STS.2" {
			t.Errorf("gave %q, %v", got.AccessKeyID, err)
		}
	})
	<-began
	mustCredential(t, c, "STS.2")
	release <- struct{}{}
	first.Wait()
}

func TestOIDCCancelledCallerDoesNotDisturbOthers(t *testing.T) {
	s, c := newSTS(t, constant)
	ctx, cancel := context.WithCancel(context.Background())
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the client has gone
		cancel()
		<-r.Context().Done()
	})
	if _, err := c(ctx); !errors.Is(err, handler.Unavailable) {
		t.Errorf("a caller that was cancelled ended with %v", err)
	}
	s.answer(nil)
	mustCredential(t, c, "STS.2")
}

func TestOIDCNoStormAfterAFailure(t *testing.T) {
	for name, test := range map[string]struct {
		serve        http.HandlerFunc
		kind         handler.Kind
		first, later time.Duration // when the second and the third exchange come
	}{
		"transient": {answer(503, refusal("ServiceUnavailable")), handler.Unavailable, 200 * time.Millisecond, 400 * time.Millisecond},
		"refused":   {answer(401, refusal("AuthenticationFail.NoPermission")), handler.Forbidden, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newSTS(t, constant)
			s.answer(test.serve)
			for n, pause := range []time.Duration{test.first, test.later} {
				for range 20 {
					mustFail(t, c, test.kind)
				}
				s.advance(pause - time.Millisecond)
				mustFail(t, c, test.kind)
				if calls := int(s.calls.Load()); calls != n+1 {
					t.Fatalf("%d exchanges before the pause is over, want %d", calls, n+1)
				}
				s.advance(time.Millisecond)
			}
			s.answer(nil)
			mustCredential(t, c, "STS.3")
		})
	}
}

// frozen returns a later time that is later by the wall clock only. A function that was
// frozen in the meantime may read such a time.
func frozen(t *testing.T, began time.Time, d time.Duration) time.Time {
	t.Helper()
	later := began.Add(d)
	// The second word of a time is its monotonic clock reading.
	(*[2]int64)(unsafe.Pointer(&later))[1] = (*[2]int64)(unsafe.Pointer(&began))[1]
	if later.Sub(began) != 0 || later.Round(0).Sub(began.Round(0)) != d {
		t.Fatalf("the layout of time.Time has changed: %v, %v", began, later)
	}
	return later
}

// A failure blocks exchanges for a pause. The pause counts by the wall clock, which goes
// on while the function is frozen.
func TestOIDCFailureDoesNotOutlastAFreeze(t *testing.T) {
	s, c := newSTS(t, constant)
	began := time.Now()
	s.now = began
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"Code":"NoPermission","Message":"You are not authorized."}`)
	})
	mustFail(t, c, handler.Forbidden)
	s.answer(nil)
	mustFail(t, c, handler.Forbidden)
	s.now = frozen(t, began, time.Hour)
	mustCredential(t, c, "STS.2")
}

func TestOIDCOldCredentialServesWhileTheExchangeFails(t *testing.T) {
	s, c := newSTS(t, constant)
	mustCredential(t, c, "STS.1")
	s.answer(answer(401, refusal("AuthenticationFail.NoPermission")))
	s.advance(58 * time.Minute)
	mustCredential(t, c, "STS.1")
	s.advance(90 * time.Second) // within the last minute of the credential
	mustFail(t, c, handler.Forbidden)
}

func TestOIDCWithoutAToken(t *testing.T) {
	var source tair.TokenSource
	s, c := newSTS(t, func(ctx context.Context) (string, error) { return source(ctx) })
	source = func(context.Context) (string, error) {
		return "", handler.Errorf(handler.Forbidden, "AWS gave no identity token: because")
	}
	if e := mustFail(t, c, handler.Forbidden); e.Message != "AWS gave no identity token: because" {
		t.Errorf("says %q", e.Message)
	}
	s.advance(time.Minute)
	source = func(context.Context) (string, error) { return "", errors.New(identityToken) }
	var e *handler.Error
	if _, err := c(context.Background()); !errors.As(err, &e) || e.Kind != handler.Internal || strings.Contains(e.Error(), identityToken) {
		t.Errorf("an unknown fault of the source ends with %v", err)
	}
	s.advance(time.Minute)
	source = func(context.Context) (string, error) { panic("boom") }
	func() {
		defer func() { _ = recover() }()
		_, _ = c(context.Background())
	}()
	if s.calls.Load() != 0 {
		t.Error("STS was asked without a token")
	}
	source = constant // the panic blocks no other caller
	mustCredential(t, c, "STS.1")
}

func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	token := tair.TokenFile(path)
	if _, err := token(context.Background()); !errors.Is(err, handler.Forbidden) || !strings.Contains(err.Error(), "ALIBABA_CLOUD_OIDC_TOKEN_FILE") {
		t.Errorf("a missing file ends with %v", err)
	}
	for _, content := range []string{"first\n", "second"} { // the issuer replaces the token
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := token(context.Background()); err != nil || got != strings.TrimSpace(content) {
			t.Errorf("gave %q, %v, want %q", got, err, content)
		}
	}
	for _, bad := range []string{"", "\n", strings.Repeat("x", 20001)} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := token(context.Background()); !errors.Is(err, handler.Forbidden) {
			t.Errorf("a file of %d bytes gave %.10q, %v", len(bad), got, err)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 20000)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := token(context.Background()); err != nil {
		t.Errorf("the longest token is refused: %v", err)
	}
}
