package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tairssl/handler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// internet is every host there is: it records what each is sent, and answers
// what serve says, or that it is well.
type internet struct {
	*httptest.Server
	mu    sync.Mutex
	got   []*http.Request
	serve http.HandlerFunc
}

func newInternet(t *testing.T, serve http.HandlerFunc) *internet {
	t.Helper()
	w := &internet{serve: serve}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.got = append(w.got, r)
		w.mu.Unlock()
		if w.serve != nil {
			w.serve(rw, r)
			return
		}
		well(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func well(w http.ResponseWriter, r *http.Request) {
	answer := `{"errcode":0,"code":0}`
	if r.Host == "hooks.slack.com" {
		answer = "ok"
	}
	_, _ = io.WriteString(w, answer)
}

// transport leads every host to the server, over TLS.
func (w *internet) transport() http.RoundTripper {
	roots := x509.NewCertPool()
	roots.AddCert(w.Certificate())
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, w.Listener.Addr().String())
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "example.com"},
		DisableKeepAlives: true,
	}
}

// sent counts the messages that arrived since it was last asked.
func (w *internet) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.got = nil }()
	return len(w.got)
}

// tags are those of all instances, as every process sees them.
type tags struct {
	mu   sync.Mutex
	of   map[handler.Ref]string
	fail error
}

func (g *tags) remember(_ context.Context, ref handler.Ref, value string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of = map[handler.Ref]string{}
	}
	if g.fail == nil {
		g.of[ref] = value
	}
	return g.fail
}

// seen is a note as a process makes it that has just looked at the instance.
func (g *tags) seen(n Note) Note {
	g.mu.Lock()
	defer g.mu.Unlock()
	n.Told = g.of[n.Ref()]
	return n
}

// world is one or more processes that tell, and whom they tell.
type world struct {
	*internet
	tags
	log         bytes.Buffer
	now         time.Time
	undelivered int
}

func newWorld(t *testing.T, serve http.HandlerFunc) *world {
	return &world{internet: newInternet(t, serve), now: now}
}

func (w *world) process(t *testing.T, setting string) *Notifier {
	n := New(urlsOf(t, setting), Options{
		On: both, Remember: w.remember, Transport: w.transport(), Now: func() time.Time { return w.now },
		Undelivered: func(context.Context) { w.undelivered++ }, Log: slog.New(slog.NewJSONHandler(&w.log, nil)),
	})
	n.pause = time.Millisecond
	return n
}

var ctx = context.Background()

func TestEveryPlaceIsSentWhatItsVendorWants(t *testing.T) {
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

func TestWhatASweepChangedIsOneMessage(t *testing.T) {
	w := newWorld(t, nil)
	var notes []Note
	for i := range 100 {
		notes = append(notes, noteOf(handler.Failed, named(i)))
	}
	p := w.process(t, slackURL)
	p.Tell(ctx, notes)
	if n := w.sent(); n != 1 || len(w.of) != 100 {
		t.Errorf("100 failures are %d messages, and remembered of %d", n, len(w.of))
	}
	for i := range notes {
		notes[i] = w.seen(notes[i])
	}
	w.process(t, slackURL).Tell(ctx, notes)
	if n := w.sent(); n != 0 {
		t.Errorf("another process tells what was counted: %d messages", n)
	}
}

func TestNothingWorthTellingIsNotSent(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	p.Tell(ctx, nil)
	p.Tell(ctx, []Note{noteOf(handler.Unchanged), noteOf(handler.Planned, named(1)), noteOf(handler.InProgress, named(2))})
	New(nil, Options{}).Tell(ctx, []Note{noteOf(handler.Failed)})
	if n := w.sent(); n != 0 || w.log.Len() > 0 || w.of != nil {
		t.Errorf("%d messages are sent, %v is remembered, the log has\n%s", n, w.of, &w.log)
	}
}

func TestToldOnceByOneProcessWithAndWithoutTheTag(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	for range 3 {
		p.Tell(ctx, []Note{noteOf(handler.Deferred)}) // as if the tag never showed
		w.now = w.now.Add(time.Hour)
	}
	if n := w.sent(); n != 1 {
		t.Errorf("one deferral is told %d times", n)
	}
	p.Tell(ctx, []Note{noteOf(handler.Failed), noteOf(handler.Failed)}) // one instance, twice in a batch
	if n := w.sent(); n != 1 || w.of[noteOf(handler.Failed).Ref()] != "2026-12-01T00:00:00Z/2026-11-19T03:00Z/d14,deferred,forb" {
		t.Errorf("%d messages; remembered is %v", n, w.of)
	}
}

func TestToldOnceByTwoProcessesThatShareTheTag(t *testing.T) {
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
		{a, noteOf(handler.Deferred, func(n *Note) { n.Before = &handler.State{SSLExpiredTime: handler.At(expiry.AddDate(1, 0, 0))} }), 1}, // the next certificate
		{b, noteOf(handler.Deferred, func(n *Note) { n.Before = &handler.State{SSLExpiredTime: handler.At(expiry.AddDate(1, 0, 0))} }), 0},
	} {
		step.who.Tell(ctx, []Note{w.seen(step.note)})
		if n := w.sent(); n != step.sent {
			t.Errorf("step %d, %s: %d messages, want %d; the tag is %v", i, step.note.Reason, n, step.sent, w.of)
		}
		w.now = w.now.Add(time.Minute)
	}
}

func TestToldOnceByInvocationsAtTheSameTime(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { p.Tell(ctx, []Note{noteOf(handler.Failed)}) })
	}
	group.Wait()
	if n := w.sent(); n != 1 {
		t.Errorf("8 invocations tell the same in %d messages", n)
	}
}

func TestAllRemindersOverAMonth(t *testing.T) {
	w := newWorld(t, nil)
	var days []int
	for hour := 40 * 24; hour > -48; hour-- { // every hour another process
		w.now = expiry.Add(-time.Duration(hour) * time.Hour)
		w.process(t, slackURL).Tell(ctx, []Note{w.seen(noteOf(handler.InProgress, busy))})
		if w.sent() > 0 {
			days = append(days, hour/24)
		}
	}
	if fmt.Sprint(days) != "[30 14 7 1 0]" {
		t.Errorf("a certificate that is not renewed is told of %v days before it expires", days)
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
		t.Errorf("a change that fails every hour is told %v days before the expiry", days)
	}
}

func TestWhatHasNoCertificateIsToldOnceAnHour(t *testing.T) {
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
		t.Errorf("another fault is told in %d messages, remembered is %v", n, w.of)
	}
	w.now = w.now.Add(time.Hour)
	p.Tell(ctx, []Note{poison})
	if n := w.sent(); n != 1 {
		t.Errorf("after an hour it is told in %d messages", n)
	}
}

func TestWhatWasNotSentIsToldByTheNextRun(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
	p := w.process(t, slackURL)
	notes := []Note{noteOf(handler.Failed), noteOf(handler.Failed), noteOf(handler.Failed, unseen, failedBy(handler.Invalid))}
	for range 2 {
		p.Tell(ctx, notes)
		if n := w.sent(); n != deliverTries || w.of != nil {
			t.Errorf("%d messages are tried, remembered is %v", n, w.of)
		}
	}
	w.serve = nil
	p.Tell(ctx, notes)
	p.Tell(ctx, notes)
	if n := w.sent(); n != 1 || len(w.of) != 1 {
		t.Errorf("%d messages are sent when all is well, remembered is %v", n, w.of)
	}
}

func TestOnePlaceThatFailsKeepsNoOtherFromBeingTold(t *testing.T) {
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
		t.Errorf("%d messages are sent, remembered is %v", n, w.of)
	}
	if log := w.log.String(); !strings.Contains(log, `"to":"dingtalk","entry":2`) || !strings.Contains(log, "sign not match") {
		t.Errorf("the log has\n%s", log)
	}
}

func TestNoMoreMessagesThanARobotTakes(t *testing.T) {
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
		t.Error("what was not sent is not told later")
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
		"repeating what it was sent": {func(rw http.ResponseWriter, r *http.Request) {
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
		p.Tell(ctx, []Note{noteOf(handler.Failed)}) // nobody is there
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

func TestWhatCanNotBeRememberedIsLoggedOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.fail = handler.Errorf(handler.Forbidden, "TagResources: not allowed")
	p := w.process(t, slackURL)
	notes := []Note{noteOf(handler.Failed, named(1)), noteOf(handler.Failed, named(2)), noteOf(handler.Failed, named(3))}
	p.Tell(ctx, notes)
	p.Tell(ctx, notes)
	if n := w.sent(); n != 1 {
		t.Errorf("one process tells it in %d messages", n)
	}
	if log := w.log.String(); strings.Count(log, "could not remember") != 1 || !strings.Contains(log, `"instances":3`) || !strings.Contains(log, "TagResources: not allowed") {
		t.Errorf("the log has\n%s", log)
	}
}

func TestAPanicStaysHere(t *testing.T) {
	w := newWorld(t, nil)
	p := w.process(t, slackURL)
	p.Remember = func(context.Context, handler.Ref, string) error { panic("boom") }
	p.Tell(ctx, []Note{noteOf(handler.Failed)})
	if n := w.sent(); n != 1 || !strings.Contains(w.log.String(), "boom") {
		t.Errorf("%d messages; the log has\n%s", n, &w.log)
	}
	broken := New(urlsOf(t, slackURL), Options{Transport: panicking{}, Log: slog.New(slog.NewJSONHandler(&w.log, nil))})
	broken.Tell(ctx, []Note{noteOf(handler.Failed)})
	if !strings.Contains(w.log.String(), errPanic.Error()) {
		t.Errorf("the log has\n%s", &w.log)
	}
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("boom") }
