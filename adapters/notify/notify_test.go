package notify

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/handler"
)

func TestEveryPlaceGetsAMessageInItsVendorsForm(t *testing.T) {
	w := newWorld(t, nil)
	w.process(t, allURLs).Tell(ctx, []Note{noteOf(handler.Failed)})
	want := map[string]string{}
	for _, target := range urlsOf(t, allURLs) {
		p := target.fit(digestOf(noteOf(handler.Failed)), now)
		want[p.URL.Host+p.URL.RequestURI()] = string(p.Body)
	}
	for _, r := range w.got {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || want[r.Host+r.RequestURI] != string(body) || r.Header.Get("User-Agent") != handler.UserAgent() || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/") {
			t.Errorf("%s %s%s is sent %v\n%s", r.Method, r.Host, r.RequestURI, r.Header, body)
		}
		delete(want, r.Host+r.RequestURI)
	}
	if len(want) > 0 {
		t.Errorf("nothing is sent to %d places; the log has\n%s", len(want), &w.log)
	}
	if n := strings.Count(w.log.String(), `"msg":"notice"`); n != 1 {
		t.Errorf("the notice has %d lines in the log", n)
	}
}

func TestASweepCausesOneMessage(t *testing.T) {
	w := newWorld(t, nil)
	var notes []Note
	for i := range 100 {
		notes = append(notes, noteOf(handler.Failed, named(i)))
	}
	p := w.process(t, slackURL)
	p.Tell(ctx, notes)
	if n := w.sent(); n != 1 || len(w.of) != 100 {
		t.Errorf("100 failures cause %d messages and %d tags", n, len(w.of))
	}
	for i := range notes {
		notes[i] = w.seen(notes[i])
	}
	w.process(t, slackURL).Tell(ctx, notes)
	if n := w.sent(); n != 0 {
		t.Errorf("another process sends the counted notices again: %d messages", n)
	}
}

func TestResultsWithoutNewsCauseNoNotice(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	p.Tell(ctx, nil)
	p.Tell(ctx, []Note{noteOf(handler.Unchanged), noteOf(handler.Planned, named(1)), noteOf(handler.InProgress, named(2))})
	New(nil, Options{}).Tell(ctx, []Note{noteOf(handler.Failed)})
	if n := w.sent(); n != 0 || w.log.Len() > 0 || w.of != nil {
		t.Errorf("%d messages are sent, the tags are %v, the log has\n%s", n, w.of, &w.log)
	}
}

func TestOneProcessSendsANoticeOnceWithAndWithoutTheTag(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	for range 3 {
		p.Tell(ctx, []Note{noteOf(handler.Deferred)}) // the tag never becomes visible
		w.now = w.now.Add(time.Hour)
	}
	if n := w.sent(); n != 1 {
		t.Errorf("one deferral causes %d notices", n)
	}
	p.Tell(ctx, []Note{noteOf(handler.Failed), noteOf(handler.Failed)}) // one instance occurs twice in a batch
	if n := w.sent(); n != 1 || w.of[noteOf(handler.Failed).Ref()] != "2026-12-01T00:00:00Z/2026-11-19T03:00Z/d14,deferred,forb" {
		t.Errorf("%d messages; the tags are %v", n, w.of)
	}
}

func TestTwoProcessesWithOneTagSendANoticeOnce(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.process(t, slackURL), w.process(t, slackURL)
	for i, step := range []struct {
		who  *Notifier
		note Note
		sent int
	}{
		{a, noteOf(handler.Deferred), 1},
		{b, noteOf(handler.Deferred), 0},
		{b, noteOf(handler.Failed), 1},
		{a, noteOf(handler.Failed), 0},
		{a, noteOf(handler.Failed, failedBy(handler.Throttled)), 1},
		{b, noteOf(handler.Failed, failedBy(handler.Throttled)), 0},
		{b, noteOf(handler.Failed), 0},
		{b, noteOf(handler.Accepted), 1},
		{a, noteOf(handler.Verified), 0},
		{a, noteOf(handler.Deferred, func(n *Note) { n.Before = &handler.State{SSLExpiredTime: handler.At(expiry.AddDate(1, 0, 0))} }), 1}, // a new certificate
		{b, noteOf(handler.Deferred, func(n *Note) { n.Before = &handler.State{SSLExpiredTime: handler.At(expiry.AddDate(1, 0, 0))} }), 0},
	} {
		step.who.Tell(ctx, []Note{w.seen(step.note)})
		if n := w.sent(); n != step.sent {
			t.Errorf("step %d, %s: %d messages, want %d; the tag is %v", i, step.note.Reason, n, step.sent, w.of)
		}
		w.now = w.now.Add(time.Minute)
	}
}

func TestConcurrentInvocationsSendANoticeOnce(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { p.Tell(ctx, []Note{noteOf(handler.Failed)}) })
	}
	group.Wait()
	if n := w.sent(); n != 1 {
		t.Errorf("8 invocations send %d messages", n)
	}
}

func TestAllRemindersOverAMonth(t *testing.T) {
	w := newWorld(t, nil)
	var days []int
	for hour := 40 * 24; hour > -48; hour-- { // another process every hour
		w.now = expiry.Add(-time.Duration(hour) * time.Hour)
		w.process(t, slackURL).Tell(ctx, []Note{w.seen(noteOf(handler.InProgress, busy))})
		if w.sent() > 0 {
			days = append(days, hour/24)
		}
	}
	if fmt.Sprint(days) != "[30 14 7 1 0]" {
		t.Errorf("a certificate that is not renewed causes notices %v days before the expiry", days)
	}
}

func TestAFailureOverAMonth(t *testing.T) {
	w := newWorld(t, nil)
	var days []int
	for hour := 29 * 24; hour > 0; hour-- {
		w.now = expiry.Add(-time.Duration(hour) * time.Hour)
		w.process(t, slackURL).Tell(ctx, []Note{w.seen(noteOf(handler.Failed))})
		if w.sent() > 0 {
			days = append(days, hour/24)
		}
	}
	if fmt.Sprint(days) != "[29 14 7 6 5 4 3 2 1]" {
		t.Errorf("a change that fails every hour causes notices %v days before the expiry", days)
	}
}

func TestANoticeWithoutACertificateIsSentOnceAnHour(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	poison := noteOf(handler.Failed, unseen, failedBy(handler.Invalid), func(n *Note) { n.InstanceID = "" })
	for minute, sent := range []int{1, 0, 0} {
		p.Tell(ctx, []Note{poison})
		if n := w.sent(); n != sent {
			t.Errorf("at minute %d: %d messages", minute, n)
		}
		w.now = w.now.Add(time.Minute)
	}
	other := poison
	other.Reason = "something else"
	p.Tell(ctx, []Note{poison, other})
	if n := w.sent(); n != 1 || w.of != nil {
		t.Errorf("another error causes %d messages, the tags are %v", n, w.of)
	}
	w.now = w.now.Add(time.Hour)
	p.Tell(ctx, []Note{poison})
	if n := w.sent(); n != 1 {
		t.Errorf("after an hour there are %d messages", n)
	}
}
