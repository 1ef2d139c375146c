package function

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/tair"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Options describe the place where a function runs.
type Options struct {
	Environ []string  // the environment in the form of os.Environ
	Log     io.Writer // receives the log lines, as JSON
	Metrics bool      // the platform reads CloudWatch's embedded metrics from the log
	// Credentials, if set, are tried first. If they return the zero value, the function
	// uses the credentials of Environ.
	Credentials tair.Credentials
	Federation  Federation // see [Settings.Credentials]
	// Transport sends chat answers and notices; default: a transport that trusts CA_FILE.
	Transport http.RoundTripper
	// Vault reads references of the form kms:NAME; nil if the cloud has no vault.
	Vault Vault
	// Invoke hands over work that takes longer than a chat waits. Without Invoke or
	// without CONFIRM_KEY, chats can only read.
	Invoke Invoke
}

// Function answers invocations. It is safe for concurrent use.
type Function struct {
	options  Options
	starting chan struct{} // full while an invocation starts the function
	running  atomic.Pointer[running]
	cold     sync.Once
	log      *slog.Logger
	level    slog.LevelVar
	metrics  atomic.Pointer[string] // namespace; nil or empty for none
}

// New returns a function. It does no work until it is invoked.
func New(o Options) *Function {
	f := &Function{options: o, starting: make(chan struct{}, 1)}
	f.level.Set(levelOfPlatform(o.Environ))
	f.log = newLog(o.Log, &f.level)
	return f
}

// prepareAfter lets the runtime poll first, so that preparing does not lengthen the
// start.
const prepareAfter = 2 * time.Millisecond

// Prepare makes the parts of the function and opens the connections to Alibaba's API
// while the process waits for its first invocation. It returns at once. If it fails, the
// first invocation reports the failure.
func (f *Function) Prepare(ctx context.Context) {
	time.AfterFunc(prepareAfter, func() {
		if r, err := f.start(ctx); err == nil {
			r.client.Warm(ctx, r.fleet.Regions[0])
		}
	})
}

// Failure is the error of an invocation. An invocation fails only if another delivery of
// the payload can help, if the settings are wrong, or after a panic.
type Failure struct {
	Type    string // the kind of the failure, or the outcome
	Message string
}

// Error returns the type and the message.
func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// Invoke answers the payload of any trigger. The answer to a single request is its
// result. The answer to several requests is an array of results. The error is a
// *[Failure]. It means that another delivery can help, or that nothing in the payload
// could be read. An unreadable payload is not an error in two cases: from a queue or a
// stream, because it would be delivered again and again, and in a direct invocation,
// because its author reads the answer.
func (f *Function) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	ctx, done := f.Together(ctx)
	defer func() { done(err) }()
	answers, err := f.Deliver(ctx, event.Message{Content: payload})
	if err != nil {
		return nil, err
	}
	a := answers[0]
	if again := a.Redeliver(); again != nil {
		return nil, &Failure{again.Type, again.Reason + "\n" + string(a.Body())}
	}
	if a.Unread() && !a.Queued && !a.Direct {
		return nil, &Failure{string(handler.Invalid), a.Why()}
	}
	return a.Body(), nil
}

// Deliver answers several messages of one invocation together, such as the records of a
// queue. Their requests for one instance run in the order of the messages. Its error, a
// *[Failure], concerns the whole invocation.
func (f *Function) Deliver(ctx context.Context, messages ...event.Message) (answers []event.Answer, err error) {
	err = f.within(ctx, func(ctx context.Context, r *running) error {
		asked := make([]event.Asked, len(messages))
		bytes := 0
		for i, m := range messages {
			bytes += len(m.Content)
			asked[i] = r.decoder.Message(m)
			for n := range asked[i].Requests {
				asked[i].Requests[n].Trust = handler.Trusted // the cloud has checked the sender
			}
		}
		lineOf(ctx).set(slog.LevelInfo, slog.Int("bytes", bytes))
		answers = r.answer(ctx, asked...)
		return nil
	})
	return answers, err
}

// within does work in an invocation, with everything that the work needs. Its error, a
// *[Failure], may also be that of the start or of a panic.
func (f *Function) within(ctx context.Context, work func(context.Context, *running) error) (err error) {
	ctx, done := f.Together(ctx)
	defer func() { done(err) }()
	r, err := f.start(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			err = r.panicked(ctx, v)
		}
	}()
	return work(ctx, r)
}

// Serve answers an HTTP request from a gateway. Its error, a *[Failure], means that the
// settings are wrong.
func (f *Function) Serve(ctx context.Context, request webhook.Forwarded) (status int, header http.Header, body []byte, err error) {
	ctx, done := f.Together(webhook.Began(ctx, time.Now()))
	defer func() { done(err) }()
	r, err := f.start(ctx)
	if err != nil {
		return 0, nil, nil, err
	}
	status, header, body = request.Serve(ctx, r.web)
	return status, header, body, nil
}

// Handler returns the routes, for a server outside the clouds. Its error, a *[Failure],
// means that the settings are wrong.
func (f *Function) Handler(ctx context.Context) (http.Handler, error) {
	r, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, done := f.Together(req.Context())
		defer done(nil)
		r.web.ServeHTTP(w, req.WithContext(ctx))
	}), nil
}

// Fleet returns the function's instances, and the API behind them. Its error, a
// *[Failure], means that the settings are wrong.
func (f *Function) Fleet(ctx context.Context) (*fleet.Fleet, *tair.Client, error) {
	r, err := f.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	return r.fleet, r.client, nil
}

// Check reads the settings, and the secrets to which they refer, and does nothing else.
// Its error, a *[Failure], names every fault, but no value.
func (f *Function) Check(ctx context.Context) (err error) {
	ctx, done := f.Together(ctx)
	defer func() { done(err) }()
	lineOf(ctx).set(slog.LevelInfo, slog.String("trigger", "deployment"))
	_, err = f.start(ctx)
	return err
}

// Open reports whether a route is open.
func (f *Function) Open(ctx context.Context, path string) bool {
	r, err := f.start(ctx)
	return err == nil && r.web.Open(path)
}
