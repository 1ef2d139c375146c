package function_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler/handlertest"
)

func TestMain(m *testing.M) {
	handlertest.AtOnce(16)
	goleak.VerifyTestMain(m,
		// The function keeps its connections open between invocations.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

const id = "r-bp1zxszhcgatnx01"

// world is a function that works on an emulated cloud.
type world struct {
	*tairtest.Emulator
	*function.Function
	log    *bytes.Buffer
	handed *[]string // payloads that were handed over
	posts  *told     // messages that were sent to people
}

func newWorld(t *testing.T, settings ...string) world {
	t.Helper()
	e, url := tairtest.Start(t, tairtest.Options{Lag: 100 * time.Millisecond, ChangeTime: 100 * time.Millisecond}, tairtest.SampleFleet(time.Now())...)
	log := &bytes.Buffer{}
	environ := append([]string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=50ms", "TAIRSSL_WINDOW=any",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret", "ALIBABA_CLOUD_SECURITY_TOKEN=a-security-token"}, settings...)
	w := world{Emulator: e, log: log, handed: &[]string{}, posts: &told{}}
	w.Function = function.New(function.Options{Environ: environ, Log: log, Transport: w.posts, Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error {
		*w.handed = append(*w.handed, string(payload))
		return nil
	}})
	return w
}

func (w world) restarts(id string) int {
	i, _ := w.Instance(id)
	return i.Restarts
}

// told records the messages that were sent to people.
type told struct {
	bodies []string
	answer string // "ok" if it is empty
}

func (p *told) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	p.bodies = append(p.bodies, string(body))
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(cmp.Or(p.answer, "ok"))), Header: http.Header{}}, nil
}
