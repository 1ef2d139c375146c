package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"tairssl/handler"
)

// Note is one result and what is known beside it.
type Note struct {
	handler.Result
	// Automatic says that nobody watches: the request was an event's or a sweep's.
	Automatic bool
	// Approve, by vendor, is what a button of its sends to the bot in that chat to
	// approve the renewal; no entry: there is no button.
	Approve map[string]Button
	// Told is the value of the instance's tag [ToldTag] as it was last seen, ""
	// if there was none.
	Told string
}

// Button is what a button of a chat's sends to the bot.
type Button struct {
	Action, Value string
}

// Ref is the instance that the note is about.
func (n Note) Ref() handler.Ref {
	return handler.Ref{RegionID: n.RegionID, InstanceID: n.InstanceID}
}

// Remember sets the tag [ToldTag] of an instance.
type Remember func(ctx context.Context, ref handler.Ref, value string) error

// Options of a [Notifier]; the zero value works.
type Options struct {
	On On
	// Remember keeps what was told; without it one process remembers for a day.
	Remember Remember
	// Token gives an access token of the app whose bot sends messages to a host.
	// renew says that the last one was refused.
	Token func(ctx context.Context, host string, renew bool) (string, error)
	// Undelivered is told once for each message that a place did not take.
	Undelivered func(context.Context)
	// Transport sends the messages; default one that keeps no connection open,
	// for messages are rare and a function may be frozen between two.
	Transport http.RoundTripper
	Now       func() time.Time // default time.Now
	Log       *slog.Logger     // default: none
}

// Notifier tells people what happened. It is safe for concurrent use.
type Notifier struct {
	Options
	urls      URLs
	limits    []*rate.Limiter
	transport func() http.RoundTripper

	pause time.Duration // see Sender

	mu    sync.Mutex
	memos map[string]memo
	owed  [][]choice // by place: what it did not take, for the next message to it
}

// memo is what this process knows to have told: of a certificate, by its
// instance, the value of the tag; of anything else, by its text, only when.
type memo struct {
	value string
	at    time.Time
}

// maxMemos is how many memos a process keeps. Texts that others wrote are among them,
// such as the names in an alert.
const maxMemos = 2000

// New returns a notifier; it costs nothing until there is something to tell.
func New(urls URLs, o Options) *Notifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Undelivered == nil {
		o.Undelivered = func(context.Context) {}
	}
	n := &Notifier{Options: o, urls: urls, memos: map[string]memo{}, owed: make([][]choice, len(urls))}
	n.transport = sync.OnceValue(func() http.RoundTripper {
		if o.Transport != nil {
			return o.Transport
		}
		return NewTransport(nil)
	})
	for range urls {
		n.limits = append(n.limits, rate.NewLimiter(rate.Every(burstPause), burst))
	}
	return n
}

// Tell sends what is worth telling of the notes of one invocation, in one
// message to each place that wants it, and remembers it. It returns within some
// seconds or when ctx ends, and logs its own failures.
func (n *Notifier) Tell(ctx context.Context, notes []Note) {
	if len(n.urls) == 0 {
		return
	}
	n.guarded(ctx, func() {
		chosen := n.choose(notes)
		took, missing := n.send(ctx, n.parcels(chosen))
		told, missed := split(chosen, took, missing)
		n.untell(missed)
		if len(told) > 0 {
			n.remember(ctx, told)
		}
	})
}

// choice is a note that is told.
type choice struct {
	line
	key  string // of the memo
	told told   // what to remember; the zero value if there is no certificate
	// before is the memo as it was, to put back if nothing is sent.
	before memo
	// Of what a place did not take: since when, and whether it may take it if it is
	// sent again.
	owedSince time.Time
	passing   bool
}

// choose decides what is told and notes it at once, so that two invocations
// of one process do not tell the same at the same time.
func (n *Notifier) choose(notes []Note) (chosen []choice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.Now()
	for key, m := range n.memos {
		if now.Sub(m.at).Abs() >= memoTTL && !(parseTold(m.value).has(offMark) && now.Sub(m.at).Abs() < offPause) {
			delete(n.memos, key)
		}
	}
	for _, note := range notes {
		var c choice
		var ok bool
		if expires := note.expires(); !expires.IsZero() {
			c.key = note.RegionID + "/" + note.InstanceID
			c.before = n.memos[c.key]
			before := parseTold(note.Told).of(expires).and(parseTold(c.before.value).of(expires))
			c.line, c.told, ok = message(note, n.On, before, now)
		} else {
			c.line, _, ok = message(note, n.On, told{}, now)
			c.key = c.who + ": " + c.text(mostWhy)
			c.before = n.memos[c.key]
			ok = ok && (c.before.at.IsZero() || now.Sub(c.before.at).Abs() >= textPause)
		}
		if ok {
			n.makeRoom()
			n.memos[c.key] = memo{c.told.String(), now}
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// makeRoom forgets the oldest memo if there is no room for one more. Of an
// instance its tag still tells.
func (n *Notifier) makeRoom() {
	if len(n.memos) < maxMemos {
		return
	}
	oldest, first := "", true
	for key, m := range n.memos {
		if first || m.at.Before(n.memos[oldest].at) {
			oldest, first = key, false
		}
	}
	delete(n.memos, oldest)
}

// untell forgets what could not be told, so that the next run tells it.
func (n *Notifier) untell(chosen []choice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(chosen) - 1; i >= 0; i-- { // an instance may be there twice
		n.memos[chosen[i].key] = chosen[i].before
		if chosen[i].before.at.IsZero() {
			delete(n.memos, chosen[i].key)
		}
	}
}

// remember sets the tags. That one cannot be set is logged once for all: it
// may be told again, by another process.
func (n *Notifier) remember(ctx context.Context, chosen []choice) {
	if n.Remember == nil {
		return
	}
	values := map[handler.Ref]string{} // of an instance that is there twice, the last
	for _, c := range chosen {
		// One tag stays free, for the one that a change needs.
		room := c.note.Told != "" || len(c.note.Tags) < handler.MaxTags-1
		if value := c.told.String(); value != "" && room {
			values[c.note.Ref()] = value
		}
	}
	ctx, cancel := context.WithTimeout(ctx, rememberTimeout)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(rememberConcurrency)
	var mu sync.Mutex
	var failed int
	var first error
	for ref, value := range values {
		group.Go(func() error {
			err := errPanic
			n.guarded(ctx, func() { err = n.Remember(ctx, ref, value) })
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				if failed++; first == nil {
					first = err
				}
			}
			return nil
		})
	}
	_ = group.Wait() // no function fails
	if failed > 0 {
		n.Log.WarnContext(ctx, "what was told is not remembered, so it may be told again: allow kvstore:TagResources to this function's role", "instances", failed, "error", first)
	}
}

// guarded keeps a panic from the change that is told of.
func (n *Notifier) guarded(ctx context.Context, f func()) {
	defer func() {
		if v := recover(); v != nil {
			n.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	f()
}
