package notify

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tairssl/handler"
)

// Note is one result, and the facts that decide whether a notice is sent.
type Note struct {
	handler.Result
	// Automatic says that an event or a sweep made the request, so no person watches it.
	Automatic bool
	// Approve contains, by vendor, the button that approves the renewal. A vendor without
	// an entry shows no button.
	Approve map[string]Button
	// Told is the value of the instance's tag [ToldTag] when it was last read; "" if
	// there was none.
	Told string
}

// Button is what a button in a chat sends to the bot.
type Button struct {
	Action, Value string
}

// Ref is the instance that the note is about.
func (n Note) Ref() handler.Ref {
	return handler.Ref{RegionID: n.RegionID, InstanceID: n.InstanceID}
}

// Remember sets the tag [ToldTag] of an instance.
type Remember func(ctx context.Context, ref handler.Ref, value string) error

// Options configure a [Notifier]. The zero value works.
type Options struct {
	On On
	// Remember stores the sent notices. Without Remember, only this process remembers the
	// notices, for a day.
	Remember Remember
	// Token returns an access token of the app whose bot sends messages to the host.
	// renew says that the host refused the last token.
	Token func(ctx context.Context, host string, renew bool) (string, error)
	// Undelivered is called once for each message that a place did not take.
	Undelivered func(context.Context)
	// Transport sends the messages. The default keeps no connection open, because
	// messages are rare, and a function may be frozen between two of them.
	Transport http.RoundTripper
	Now       func() time.Time // default: time.Now
	Log       *slog.Logger     // default: no log
}

// Notifier sends notices. It is safe for concurrent use.
type Notifier struct {
	Options
	urls      URLs
	limits    []*rate.Limiter
	transport func() http.RoundTripper

	pause time.Duration // see Sender

	mu    sync.Mutex
	memos map[string]memo
	owed  [][]choice // by place: notices that it did not take, for the next message to it
}

// New returns a notifier. It does no work before the first notice.
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

// Tell sends the notices of one invocation and remembers them. Each place gets one
// message with all its notices. Tell returns within seconds, or when ctx ends. It logs
// its own failures.
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

// choice is a note that was chosen for sending.
type choice struct {
	line
	key  string // key of the memo
	told told   // what to remember; the zero value without a certificate
	// before is the earlier memo. It is restored if the notice is not sent.
	before memo
	// owedSince is set for a notice that a place did not take. It is the time of the
	// first failure. passing says that a later try can help.
	owedSince time.Time
	passing   bool
}

// guarded keeps a panic in a notice away from the change.
func (n *Notifier) guarded(ctx context.Context, f func()) {
	defer func() {
		if v := recover(); v != nil {
			handler.Panicked(ctx, n.Log, v)
		}
	}()
	f()
}
