package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

func TestLengthsOfTimeInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		12*day + 23*time.Hour: "12d", 2 * day: "2d", 2*day - 1: "47h", 31 * time.Hour: "31h", 2 * time.Hour: "2h",
		2*time.Hour - 1: "119m", 40 * time.Minute: "40m", 2 * time.Minute: "2m", 2*time.Minute - 1: "119s", 1500 * time.Millisecond: "1s", 0: "0s",
	} {
		if got := handler.Span(d); got != want {
			t.Errorf("%s is said as %s, want %s", d, got, want)
		}
	}
}

// A time is written in the API's format and read with any offset.
func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-12-01T00:00:00Z"`: "2026-12-01T00:00:00Z", `"2026-12-01T08:00:00+08:00"`: "2026-12-01T00:00:00Z",
		`"2026-12-01T00:00:00.999Z"`: "2026-12-01T00:00:00Z", `""`: "", `null`: "",
	} {
		var got handler.Time
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.String() != want {
			t.Errorf("%s is read as %s, %v", text, got, err)
		}
		if again, err := json.Marshal(got); err != nil || string(again) != `"`+want+`"` {
			t.Errorf("%s is written as %s, %v", text, again, err)
		}
		if again, err := got.MarshalText(); err != nil || string(again) != want {
			t.Errorf("%s is written as the text %s, %v", text, again, err)
		}
	}
	for _, bad := range []string{`7`, `[]`, `"`, `"tomorrow"`, `"2026-12-01"`, `x`, `1`, ``} {
		var got handler.Time
		if err := got.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is read as %s", bad, got)
		}
	}
	kept := handler.At(start)
	if err := kept.UnmarshalJSON([]byte("null")); err != nil || !kept.Equal(start) {
		t.Errorf("null changes a time to %s, %v", kept, err)
	}
	if at := handler.At(start.Add(999 * time.Millisecond).In(time.FixedZone("x", 3600))); at != handler.At(start) || !handler.At(time.Time{}).IsZero() {
		t.Errorf("the time is %v", at)
	}
	var d handler.Duration
	if err := d.UnmarshalText([]byte("x")); err == nil {
		t.Errorf("x is read as %v", d)
	}
}

func TestWhatACallerSentIsQuotedBriefly(t *testing.T) {
	sixty := strings.Repeat("a", 60)
	for text, want := range map[string]string{
		"": "", "short": "short", sixty: sixty, sixty + "b": sixty + "…", sixty[:59] + "ü": sixty[:59] + "…", sixty[:58] + "üb": sixty[:58] + "ü…",
		"a\xffb": "a?b", "a\xff" + sixty: "a?" + sixty[:58] + "…",
		strings.Repeat("\x80", 61): "…", "a" + strings.Repeat("\x80", 60): "…", sixty[:58] + "€€": sixty[:58] + "…",
	} {
		if got := handler.Clip(text); got != want {
			t.Errorf("%q is quoted as %q, want %q", text, got, want)
		}
	}
}

// The text of an error has its kind and code, and the cause can be unwrapped.
func TestErrorsInWords(t *testing.T) {
	e := handler.Errorf(handler.NotFound, "no instance %s", id)
	if got := e.Error(); got != "not_found: no instance "+id {
		t.Errorf("an error says %q", got)
	}
	e.Code = "InvalidInstanceId.NotFound"
	if got := e.Error(); got != "not_found (InvalidInstanceId.NotFound): no instance "+id {
		t.Errorf("an error with a code says %q", got)
	}
	for kind, again := range map[handler.Kind]bool{
		handler.Throttled: true, handler.Unavailable: true, handler.Invalid: false, handler.Forbidden: false, handler.NotFound: false,
		handler.Unsupported: false, handler.Locked: false, handler.Internal: false, handler.Unauthorized: false,
	} {
		if got := handler.Errorf(kind, "x").Retryable; got != again {
			t.Errorf("an error of kind %s can be tried again: %v", kind, got)
		}
		if errors.Is(e, kind) != (kind == handler.NotFound) {
			t.Errorf("a not_found is taken for %s", kind)
		}
	}
	for cause, kind := range map[error]handler.Kind{context.DeadlineExceeded: handler.Unavailable, context.Canceled: handler.Unavailable, errors.New("x"): handler.Internal, e: handler.NotFound} {
		if got := handler.AsError(cause); got.Kind != kind || !errors.Is(got, cause) || got.Retryable != (kind == handler.Unavailable) {
			t.Errorf("%v is taken for %+v", cause, got)
		}
	}
	if kind := handler.Kind("surprise"); kind.HTTPStatus() != 500 || kind.ExitCode() != 1 {
		t.Error("a kind that is not in the table does not count as internal")
	}
	if kind := handler.Locked; kind.HTTPStatus() != 423 || kind.ExitCode() != 1 {
		t.Error("locked is not answered by 423 and 1")
	}
}

func TestWhenAnotherDeliveryHelps(t *testing.T) {
	failed := func(kind handler.Kind) handler.Result {
		return handler.Result{Outcome: handler.Failed, Error: handler.Errorf(kind, "x")}
	}
	for name, test := range map[string]struct {
		result handler.Result
		again  string
	}{
		"unknown":               {handler.Result{Outcome: handler.Unknown}, "unknown"},
		"busy":                  {handler.Result{Outcome: handler.InProgress, Busy: true}, "in_progress"},
		"under way":             {handler.Result{Outcome: handler.InProgress}, ""},
		"throttled":             {failed(handler.Throttled), "throttled"},
		"locked":                {failed(handler.Locked), ""},
		"failed, nobody knows":  {handler.Result{Outcome: handler.Failed}, ""},
		"accepted":              {handler.Result{Outcome: handler.Accepted}, ""},
		"accepted, busy":        {handler.Result{Outcome: handler.Accepted, Busy: true}, ""},
		"refused for a missing": {handler.Result{Outcome: handler.Refused, Error: handler.Errorf(handler.Throttled, "x")}, ""},
	} {
		if reason, again := test.result.Redeliver(); reason != test.again || again != (test.again != "") {
			t.Errorf("%s: another delivery helps: %v, because of %q", name, again, reason)
		}
	}
}

// A request lacked the time if its call was never begun, or if it failed with a retryable
// error after its invocation had ended.
func TestWhatLacksTheTime(t *testing.T) {
	never := handler.Errorf(handler.Unavailable, "x")
	never.Err = handler.ErrNoTime
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for name, test := range map[string]struct {
		ctx    context.Context
		result handler.Result
		want   bool
	}{
		"never begun":        {context.Background(), handler.Result{Outcome: handler.Failed, Error: never}, true},
		"down":               {context.Background(), handler.Result{Outcome: handler.Failed, Error: handler.Errorf(handler.Unavailable, "x")}, false},
		"down, and over":     {over, handler.Result{Outcome: handler.Failed, Error: handler.Errorf(handler.Unavailable, "x")}, true},
		"locked, and over":   {over, handler.Result{Outcome: handler.Failed, Error: handler.Errorf(handler.Locked, "x")}, false},
		"unknown, and over":  {over, handler.Result{Outcome: handler.Unknown, Error: never}, false},
		"failed of nothing":  {over, handler.Result{Outcome: handler.Failed}, false},
		"accepted, and over": {over, handler.Result{Outcome: handler.Accepted}, false},
	} {
		if got := handler.LacksTime(test.ctx, test.result); got != test.want {
			t.Errorf("%s: lacks the time: %v", name, got)
		}
	}
}

// The answer to one request is an object, the answer to a batch an array.
func TestAnswersHaveTheFormOfTheQuestion(t *testing.T) {
	one := []handler.Result{{InstanceID: id, Reason: "a & b"}}
	for name, test := range map[string]struct {
		results []handler.Result
		batch   bool
		begins  string
	}{
		"one": {one, false, `{"InstanceId"`}, "a batch of one": {one, true, `[{"InstanceId"`}, "two": {append(one, one...), false, `[{`}, "none": {nil, false, "null"},
	} {
		got := string(handler.Encode(test.results, test.batch))
		if !strings.HasPrefix(got, test.begins) || strings.HasSuffix(got, "\n") || strings.Contains(got, `\u0026`) {
			t.Errorf("%s is answered %s", name, got)
		}
	}
}

// A result without a valid outcome is an internal error, never a success.
func TestAResultWithoutAnOutcome(t *testing.T) {
	r := handler.Result{Outcome: handler.Failed, Error: handler.Errorf(handler.NotFound, "x")}
	if r.HTTPStatus() != 404 || r.ExitCode() != 4 {
		t.Errorf("a failure is answered by %d and %d", r.HTTPStatus(), r.ExitCode())
	}
	if r := (handler.Result{}); r.HTTPStatus() != 500 || r.ExitCode() != 1 {
		t.Errorf("nothing is answered by %d and %d", r.HTTPStatus(), r.ExitCode())
	}
}

// A certificate with another name than the endpoint keeps out clients that check names.
// An unknown name is not wrong.
func TestWrongNames(t *testing.T) {
	for name, test := range map[string]struct {
		enabled        bool
		common, domain string
		wrong          bool
	}{
		"the same":             {true, "a.example.com", "A.Example.com", false},
		"another":              {true, "a.example.com", "b.example.com", true},
		"another, off":         {false, "a.example.com", "b.example.com", false},
		"no name":              {true, "", "b.example.com", false},
		"no endpoint":          {true, "a.example.com", "", false},
		"a wildcard":           {true, "*.Example.com", "b.example.com", false},
		"a wildcard elsewhere": {true, "*.example.org", "b.example.com", true},
		"a wildcard deeper":    {true, "*.example.com", "a.b.example.com", true},
	} {
		o := handler.Observation{Instance: handler.Instance{ConnectionDomain: test.domain}, SSL: handler.SSL{Enabled: test.enabled, CommonName: test.common}}
		if got := o.WrongName(); got != test.wrong {
			t.Errorf("%s: wrong: %v", name, got)
		}
	}
}
