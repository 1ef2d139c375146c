package fc

import (
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// The runtime API is gone if it fails mostFailures times in a row, with a pause after
	// each failure: about 0.9 s. Failures are counted and time is not measured, because
	// the process may be frozen between two failures.
	mostFailures = 10
	failurePause = 100 * time.Millisecond
)

// runtimeAPI sends the requests to the runtime API. When the request for the next
// invocation fails, the loop of fc-runtime-go-sdk repeats it at once and for ever. That
// would keep a processor busy until the machine stops. So runtimeAPI pauses after a
// failure, and closes gone after too many failures in a row.
type runtimeAPI struct {
	host     string
	base     http.RoundTripper
	failures int // in a row; the loop sends one request at a time
	gone     chan struct{}
}

// watchRuntimeAPI watches the requests to host that go through http.DefaultTransport, as
// the SDK's requests do. It may be called once in a process.
func watchRuntimeAPI(host string) (gone <-chan struct{}) {
	a := newRuntimeAPI(host, &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext})
	if t, ok := http.DefaultTransport.(*http.Transport); ok { // true unless somebody replaced it
		t.RegisterProtocol("http", a)
	}
	return a.gone
}

func newRuntimeAPI(host string, base http.RoundTripper) *runtimeAPI {
	return &runtimeAPI{host: host, base: base, gone: make(chan struct{})}
}

// RoundTrip returns requests to other hosts to http.DefaultTransport.
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
