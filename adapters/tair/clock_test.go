package tair_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

const (
	onState   = `{"InstanceId":"r-bp1zxszhcgatnx01","RequestId":"1","SSLEnabled":"Enable","SSLExpiredTime":"2026-12-01T00:00:00Z"}`
	attribute = `{"RequestId":"1","Instances":{"DBInstanceAttribute":[{"InstanceId":"r-bp1zxszhcgatnx01","InstanceStatus":"Normal"}]}}`
	listing   = `{"RequestId":"1","TotalCount":0,"Instances":{"KVStoreInstance":[]}}`
)

// dated answers with body at a time of the API's clock. "" sends no header Date.
func dated(date, body string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = []string{date}
		if date == "" {
			w.Header()["Date"] = nil
		}
		answer(status, body)(w, r)
	}
}

// reads are the calls that return a time, by the body of their answer.
var reads = map[string]func(*tair.Client) (time.Time, error){
	onState: func(c *tair.Client) (time.Time, error) { s, err := c.SSL(context.Background(), ref); return s.At, err },
	attribute: func(c *tair.Client) (time.Time, error) {
		i, err := c.Instance(context.Background(), ref)
		return i.At, err
	},
	listing: func(c *tair.Client) (time.Time, error) {
		l, err := c.List(context.Background(), ref.RegionID, handler.Filter{}, 1)
		return l.At, err
	},
}

func TestReadsTellTheTimeByTheAPIsClock(t *testing.T) {
	for body, read := range reads {
		for date, want := range map[string]string{
			"Tue, 24 Nov 2026 10:40:14 GMT":     "2026-11-24T10:40:14Z",
			"Tuesday, 24-Nov-26 10:40:14 GMT":   "2026-11-24T10:40:14Z", // the two older forms of RFC 9110
			"Tue Nov 24 10:40:14 2026":          "2026-11-24T10:40:14Z",
			"":                                  "",
			"soon":                              "",
			"2026-11-24T10:40:14Z":              "",
			"Tue, 24 Nov 2026 10:40:14 +0800":   "",
			"Tue, 24 Nov 2026 10:40:14 GMT, no": "",
		} {
			t.Run(date, func(t *testing.T) {
				t.Parallel()
				at, err := read(against(t, dated(date, body, 200)))
				switch {
				case want == "" && (err == nil || handler.AsError(err).Kind != handler.Unavailable || !strings.Contains(err.Error(), "no Date header") || !at.IsZero()):
					t.Errorf("an answer with the Date %q ends with %v, %v; want unavailable", date, at, err)
				case want != "" && (err != nil || at.Format(time.RFC3339) != want):
					t.Errorf("an answer with the Date %q has the time %v, %v; want %s", date, at, err, want)
				}
			})
		}
	}
}

// The time of a failed try is not the time of the successful answer.
func TestTheTimeBelongsToTheSuccessfulAnswer(t *testing.T) {
	for body, read := range reads {
		calls := 0
		client := against(t, func(w http.ResponseWriter, r *http.Request) {
			if calls++; calls == 1 {
				dated("Tue, 24 Nov 2026 10:40:14 GMT", refusal("ServiceUnavailable"), 503)(w, r)
				return
			}
			dated("Tue, 24 Nov 2026 10:40:15 GMT", body, 200)(w, r)
		})
		if at, err := read(client); err != nil || at.Second() != 15 || calls != 2 {
			t.Errorf("after %d calls the time is %v, %v", calls, at, err)
		}
	}
}

func TestExpiredTimestampTellsHowWrongTheClockIs(t *testing.T) {
	for name, test := range map[string]struct {
		off  time.Duration
		want string
	}{
		"behind": {time.Hour, "this machine's clock is 1h0m0s behind the API's: set it"},
		"ahead":  {-20 * time.Minute, "this machine's clock is 20m"},
		"right":  {0, "took too long on its way"},
	} {
		e := modify(against(t, func(w http.ResponseWriter, r *http.Request) {
			dated(time.Now().Add(test.off).Round(time.Second).UTC().Format(http.TimeFormat), refusal("InvalidTimeStamp.Expired"), 400)(w, r)
		}))
		text := strings.ReplaceAll(e.Message, "59m59s", "1h0m0s") // a second may pass in between
		if !strings.Contains(text, test.want) || e.Kind != handler.Unavailable || e.Uncertain {
			t.Errorf("%s: the message is %q, want %q", name, e.Message, test.want)
		}
	}
	if e := modify(against(t, dated("", refusal("InvalidTimeStamp.Expired"), 400))); !strings.Contains(e.Message, "check this machine's clock") {
		t.Errorf("without a Date the message is %q", e.Message)
	}
}
