package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

func TestTheNextRunSendsTheMissingNotices(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
	p := w.process(t, slackURL)
	notes := []Note{noteOf(handler.Failed), noteOf(handler.Failed), noteOf(handler.Failed, unseen, failedBy(handler.Invalid))}
	for range 2 {
		p.Tell(ctx, notes)
		if n := w.sent(); n != deliverTries || w.of != nil {
			t.Errorf("%d messages are tried, the tags are %v", n, w.of)
		}
	}
	w.serve = nil
	p.Tell(ctx, notes)
	p.Tell(ctx, notes)
	if n := w.sent(); n != 1 || len(w.of) != 1 {
		t.Errorf("%d messages are sent after the repair, the tags are %v", n, w.of)
	}
}

func TestAFailingPlaceDoesNotHinderOtherPlaces(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "oapi.dingtalk.com" {
			_, _ = io.WriteString(rw, `{"errcode":310000,"errmsg":"sign not match"}`)
			return
		}
		well(rw, r)
	})
	p := w.process(t, slackURL+","+dingtalkURL)
	p.Tell(ctx, []Note{noteOf(handler.Failed)})
	p.Tell(ctx, []Note{noteOf(handler.Failed)})
	if n := w.sent(); n != 2 || len(w.of) != 1 {
		t.Errorf("%d messages are sent, the tags are %v", n, w.of)
	}
	if log := w.log.String(); !strings.Contains(log, `"to":"dingtalk","entry":2`) || !strings.Contains(log, "sign not match") {
		t.Errorf("the log has\n%s", log)
	}
}

func TestARobotGetsNoMoreMessagesThanItTakes(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, dingtalkURL)
	told := 0
	for second := range 60 {
		w.now = now.Add(time.Duration(second) * time.Second)
		p.Tell(ctx, []Note{noteOf(handler.Failed, named(second))})
		told += w.sent()
	}
	if told < 15 || told > 20 {
		t.Errorf("%d messages are sent in a minute", told)
	}
	if !strings.Contains(w.log.String(), errLimit.Error()) {
		t.Errorf("the log has\n%s", &w.log)
	}
	w.now = w.now.Add(time.Minute)
	p.Tell(ctx, []Note{noteOf(handler.Failed, named(59))})
	if w.sent() != 1 {
		t.Error("a missing notice is not sent later")
	}
}

func TestSlowHugeAndRedirectingAnswers(t *testing.T) {
	release := make(chan struct{})
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"slow": {func(http.ResponseWriter, *http.Request) { <-release }, "no answer within"},
		"slow body": {func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, `{"errcode":`)
			_ = http.NewResponseController(rw).Flush()
			<-release
		}, "no answer within"},
		"huge": {func(rw http.ResponseWriter, _ *http.Request) {
			for range 1024 {
				if _, err := rw.Write(bytes.Repeat([]byte(" "), 64<<10)); err != nil {
					return
				}
			}
		}, "the answer has no result code"},
		"redirecting": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://elsewhere.example.com/SECRET", http.StatusTemporaryRedirect)
		}, "a redirect (307), which is not followed"},
		"cut": {func(rw http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(rw).Hijack(); err == nil {
				_ = conn.Close()
			}
		}, "EOF"},
		"repeating the request": {func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, `{"errcode":1,"errmsg":"no %s and %s"}`, r.RequestURI, r.URL.Query().Get("access_token"))
		}, "code 1: no ***"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.serve)
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			if strings.HasPrefix(name, "slow") {
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
			}
			defer cancel()
			w.process(t, dingtalkURL).Tell(ctx, []Note{noteOf(handler.Failed)})
			if strings.HasPrefix(name, "slow") {
				release <- struct{}{}
			}
			if n := w.sent(); n != 1 {
				t.Errorf("%d requests are made", n)
			}
			if log := w.log.String(); !strings.Contains(log, test.want) || strings.Contains(log, "SECRET") || strings.Contains(log, "oapi") {
				t.Errorf("the log has\n%s", log)
			}
		})
	}
}

func TestNoSecretIsLoggedWhateverFails(t *testing.T) {
	for _, test := range answers {
		w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(test.status)
			_, _ = io.WriteString(rw, test.body)
		})
		p := w.process(t, allURLs)
		p.Tell(ctx, []Note{noteOf(handler.Verified, renewed)})
		w.Close()
		w.now = w.now.Add(time.Minute)
		p.Tell(ctx, []Note{noteOf(handler.Failed)}) // the server is closed
		for _, secret := range []string{"SECRET", "MfKQ", "CA-Chain", "access_token", "https://"} {
			if strings.Contains(w.log.String(), secret) {
				t.Fatalf("%s answers %d %s: the log has %s\n%s", test.vendor, test.status, test.body, secret, &w.log)
			}
		}
		if !strings.Contains(w.log.String(), "notice not delivered") {
			t.Fatal("nothing failed")
		}
	}
}

func TestTagsThatCannotBeSetAreLoggedOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.fail = handler.Errorf(handler.Forbidden, "TagResources: not allowed")
	p := w.process(t, slackURL)
	notes := []Note{noteOf(handler.Failed, named(1)), noteOf(handler.Failed, named(2)), noteOf(handler.Failed, named(3))}
	p.Tell(ctx, notes)
	p.Tell(ctx, notes)
	if n := w.sent(); n != 1 {
		t.Errorf("one process sends %d messages", n)
	}
	if log := w.log.String(); strings.Count(log, "could not remember") != 1 || !strings.Contains(log, `"instances":3`) || !strings.Contains(log, "TagResources: not allowed") {
		t.Errorf("the log has\n%s", log)
	}
}

func TestAPanicDoesNotLeaveTheNotifier(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	p.Remember = func(context.Context, handler.Ref, string) error { panic("boom") }
	p.Tell(ctx, []Note{noteOf(handler.Failed)})
	if n := w.sent(); n != 1 || !strings.Contains(w.log.String(), "boom") {
		t.Errorf("%d messages; the log has\n%s", n, &w.log)
	}
	broken := New(urlsOf(t, slackURL), Options{Transport: panicking{}, Log: slog.New(slog.NewJSONHandler(&w.log, nil))})
	broken.Tell(ctx, []Note{noteOf(handler.Failed)})
	if !strings.Contains(w.log.String(), "an unexpected fault") {
		t.Errorf("the log has\n%s", &w.log)
	}
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("boom") }
