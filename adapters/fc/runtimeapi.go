package fc

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// A runtime API that fails this often in a row, with these pauses, is gone:
// after some 0.9 s. Failures are counted, since a process that was frozen
// between two of them does not know how long it waited.
const (
	mostFailures = 10
	failurePause = 100 * time.Millisecond
)

// runtimeAPI passes on the requests to the runtime API. The loop of
// fc-runtime-go-sdk asks again at once when asking for the next invocation
// fails, for ever: that would keep a processor busy until the machine goes. So
// failures take a pause, and too many of them in a row close gone.
type runtimeAPI struct {
	host     string
	base     http.RoundTripper
	failures int // in a row; the loop asks one request at a time
	gone     chan struct{}
}

// watchRuntimeAPI has every request to a host that is sent by way of
// http.DefaultTransport, as the SDK's are, watched. It may be called once in a
// process.
func watchRuntimeAPI(host string) (gone <-chan struct{}) {
	a := newRuntimeAPI(host, &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext})
	if t, ok := http.DefaultTransport.(*http.Transport); ok { // as it is unless it was replaced
		t.RegisterProtocol("http", a)
	}
	return a.gone
}

func newRuntimeAPI(host string, base http.RoundTripper) *runtimeAPI {
	return &runtimeAPI{host: host, base: base, gone: make(chan struct{})}
}

// RoundTrip leaves what goes elsewhere to the transport that asks.
func (a *runtimeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != a.host {
		return nil, http.ErrSkipAltProtocol
	}
	resp, err := a.base.RoundTrip(r)
	if !strings.HasSuffix(r.URL.Path, "/invocation/next") {
		return resp, err
	}
	if err == nil && resp.StatusCode == http.StatusOK {
		a.failures = 0
		return resp, nil
	}
	if a.failures++; a.failures == mostFailures {
		close(a.gone)
	}
	pause := time.NewTimer(failurePause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-r.Context().Done():
	}
	return resp, err
}
