package tair

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
)

func TestSignedTimestampIsReadAsTheAPIReadsIt(t *testing.T) {
	by := time.Date(2026, 11, 24, 10, 45, 14, 500_000_000, time.UTC)
	for query, ok := range map[string]bool{
		"Action=X&Timestamp=2026-11-24T10:45:14Z":     true,
		"Action=X&Timestamp=2026-11-24T10%3A45%3A14Z": true,
		"Action=X&Timestamp=2026-11-24T10:45:15Z":     false,
		"Action=X&Timestamp=2027-11-24T10:45:14Z":     false,
		"Action=X&Timestamp=":                         false,
		"Action=X":                                    false,
		"Action=X&Timestamp=soon":                     false,
		"Action=X&Timestamp=2026-11-24T10:45:14Z&Timestamp=2027-11-24T10:45:14Z": false,
	} {
		req, err := http.NewRequest(http.MethodPost, "https://r-kvstore.aliyuncs.com/?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkSigned(req, by); (err == nil) != ok || err != nil && !errors.Is(err, handler.ErrLate) {
			t.Errorf("%s, to be signed by %s, ends with %v", query, by, err)
		}
	}
}

// The wait for the rate comes before the signature, so it can make a write too late.
func TestWriteThatWaitedForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(Options{Rate: 0.01}) // one call in 100 s
		ref := handler.Ref{RegionID: "cn-hangzhou", InstanceID: "r-bp1zxszhcgatnx01"}
		w.transport.DialContext = func(context.Context, string, string) (net.Conn, error) { w.dials <- ""; return nil, errNoDial }
		began := time.Now()
		for _, patience := range []time.Duration{time.Minute, time.Minute, 5 * time.Minute} {
			_, err := w.Modify(context.Background(), ref, handler.Update, time.Now().Add(patience))
			late := errors.Is(err, handler.ErrLate)
			if waits := time.Since(began) >= 100*time.Second; late != (waits && patience < 2*time.Minute) || err == nil || handler.AsError(err).Uncertain {
				t.Errorf("after %s a write with a limit of %s ends with %v", time.Since(began), patience, err)
			}
		}
		if len(w.dials) != 2 {
			t.Errorf("%d writes were sent, want the first and the last", len(w.dials))
		}
	})
}
