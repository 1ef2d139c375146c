package fc

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// answers are the answers to the requests, one after the other. The last one repeats. An
// answer is a status, or 0 for a refused connection.
type answers []int

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	status := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Body: http.NoBody}, nil
}

func TestRuntimeAPIThatKeepsFailingIsGone(t *testing.T) {
	const ok, failing = http.StatusOK, http.StatusInternalServerError
	nine := []int{0, failing, 0, 0, 0, 0, 0, 0, 0}
	for name, test := range map[string]struct {
		answers  []int
		requests int
		gone     bool
		took     time.Duration
	}{
		"it refuses connections":     {[]int{0}, 10, true, time.Second},
		"it answers with an error":   {[]int{failing}, 10, true, time.Second},
		"it fails nine times":        {append(nine, ok), 10, false, 900 * time.Millisecond},
		"it fails nine times, twice": {append(append(append(nine[:9:9], ok), nine...), ok), 20, false, 1800 * time.Millisecond},
		"it works":                   {[]int{ok}, 100, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given := answers(test.answers)
				a := newRuntimeAPI("127.0.0.1:9001", &given)
				began := time.Now()
				for range test.requests {
					resp, err := a.RoundTrip(httptest.NewRequest("GET", "http://127.0.0.1:9001/2020-11-11/runtime/invocation/next", nil))
					if err == nil {
						_ = resp.Body.Close()
					}
				}
				gone := false
				select {
				case <-a.gone:
					gone = true
				default:
				}
				if took := time.Since(began); gone != test.gone || took != test.took {
					t.Errorf("after %d requests and %s it counts as gone: %v; want %v after %s", test.requests, took, gone, test.gone, test.took)
				}
			})
		})
	}
}

// Requests to other hosts, and refused answers, say nothing about the runtime API.
func TestOtherRequestsAreNotJudged(t *testing.T) {
	given := answers{0}
	a := newRuntimeAPI("127.0.0.1:9001", &given)
	for range 2 * mostFailures {
		if _, err := a.RoundTrip(httptest.NewRequest("GET", "http://example.com/invocation/next", nil)); !errors.Is(err, http.ErrSkipAltProtocol) {
			t.Fatalf("a request elsewhere ends with %v", err)
		}
		if _, err := a.RoundTrip(httptest.NewRequest("POST", "http://127.0.0.1:9001/2020-11-11/runtime/invocation/7/response", nil)); err == nil {
			t.Fatal("an answer was delivered")
		}
	}
	select {
	case <-a.gone:
		t.Error("the runtime API counts as gone")
	default:
	}
}
