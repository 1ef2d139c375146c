package function

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/notify"
	"tairssl/adapters/tair"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Options say where a function runs.
type Options struct {
	Environ []string  // the environment, as os.Environ gives it
	Log     io.Writer // where log lines go, as JSON
	Metrics bool      // the platform reads CloudWatch's embedded metrics out of the log
	// Credentials, if set, are asked first; the zero one stands for those of
	// Environ.
	Credentials tair.Credentials
	Federation  Federation // see [Settings.Credentials]
	// Transport makes the requests that answer chats and tell people; default one
	// that trusts CA_FILE.
	Transport http.RoundTripper
	// Vault reads references of the form kms:NAME; nil where there is none.
	Vault Vault
	// Invoke hands over what lasts longer than a chat waits. Without it, and
	// without CONFIRM_KEY, chat only reads.
	Invoke Invoke
}

// Function answers invocations. It is safe for concurrent use.
type Function struct {
	options  Options
	starting chan struct{} // full while somebody does
	running  atomic.Pointer[running]
	cold     sync.Once
	log      *slog.Logger
	level    slog.LevelVar
	metrics  atomic.Pointer[string] // namespace; nil or empty: none
}

type running struct {
	fleet   *fleet.Fleet
	client  *tair.Client
	decoder event.Decoder
	web     *webhook.Handler
	chat    *chatops.Chat
	people  *notify.Notifier
	log     *slog.Logger
}

// New returns a function; it costs nothing until it is invoked.
func New(o Options) *Function {
	f := &Function{options: o, starting: make(chan struct{}, 1)}
	f.level.Set(levelOfPlatform(o.Environ))
	f.log = newLog(o.Log, &f.level)
	return f
}

// prepareAfter lets the runtime poll first: a start costs no more for what is
// prepared.
const prepareAfter = 2 * time.Millisecond

// Prepare makes what the first invocation needs while the process waits for it,
// and opens the connections to Alibaba's API that its first calls use. It returns
// at once. A failure is told by the first invocation.
func (f *Function) Prepare(ctx context.Context) {
	time.AfterFunc(prepareAfter, func() {
		if r, err := f.start(ctx); err == nil {
			r.client.Warm(ctx, r.fleet.Regions[0])
		}
	})
}

// Failure is an invocation that ends in an error: only where delivering the
// same payload again can help, where the settings are wrong, or after a panic.
type Failure struct {
	Type    string // the kind of the failure, or the outcome
	Message string
}

// Error gives the type and the message.
func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// start makes all that an invocation needs, at the first one. A failure is not
// remembered: what a reference leads to may be there at the next invocation.
func (f *Function) start(ctx context.Context) (*running, error) {
	if r := f.running.Load(); r != nil {
		return r, nil
	}
	select {
	case f.starting <- struct{}{}:
		defer func() { <-f.starting }()
	case <-ctx.Done():
		return nil, &Failure{string(handler.Unavailable), handler.AsError(ctx.Err()).Message}
	}
	if r := f.running.Load(); r != nil {
		return r, nil
	}
	r, err := f.wire(ctx)
	if err == nil {
		f.running.Store(r)
	}
	return r, err
}

func (f *Function) wire(ctx context.Context) (*running, error) {
	environ, unread := Resolve(ctx, f.options.Environ, f.options.Vault)
	settings, unknown, err := ParseSettings(environ)
	log := f.log
	if settings.LogLevel != nil {
		f.level.Set(*settings.LogLevel)
	}
	if namespace := string(settings.Metrics); f.options.Metrics {
		f.metrics.Store(&namespace)
	}
	if err = errors.Join(unread, err); err != nil {
		faults := strings.Split(err.Error(), "\n")
		lineOf(ctx).set(slog.LevelError, slog.Any("faults", faults))
		kind := handler.Internal
		if errors.Is(err, handler.Unavailable) {
			kind = handler.Unavailable
		}
		return nil, &Failure{string(kind), fmt.Sprintf("%d of the function's settings are wrong: %s", len(faults), strings.Join(faults, "; "))}
	}
	if n := len(settings.ConfirmKey); n > 0 && n < 16 {
		log.WarnContext(ctx, "a short key can be guessed: give it 16 random characters or more", "variable", Prefix+"CONFIRM_KEY")
	}
	for _, name := range unknown {
		log.WarnContext(ctx, "no such setting: it does nothing", "variable", name)
	}
	credentials := settings.Credentials(environ, f.options.Federation)
	if first := f.options.Credentials; first != nil {
		otherwise := credentials
		credentials = func(ctx context.Context) (tair.Credential, error) {
			if c, err := first(ctx); err != nil || c != (tair.Credential{}) {
				return c, err
			}
			return otherwise(ctx)
		}
	}
	instances, client := settings.Fleet(credentials, log)
	r := &running{fleet: instances, client: client, decoder: event.Decoder{Certificates: settings.CertMap}, log: log}
	transport := f.options.Transport
	if transport == nil {
		transport = notify.NewTransport(settings.Roots())
	}
	r.people = notify.New(settings.NotifyURLs, notify.Options{
		Token: func(ctx context.Context, host string, renew bool) (string, error) {
			return r.chat.FeishuToken(ctx, host, renew)
		},
		On: settings.NotifyOn, Transport: transport, Log: log, Undelivered: undelivered,
		Remember: func(ctx context.Context, ref handler.Ref, value string) error {
			return client.Tag(ctx, ref, notify.ToldTag, value)
		},
	})
	r.chat = r.chats(settings, f.hand(settings, credentials), transport)
	r.web = webhook.New(webhook.Options{
		Standard: settings.WebhookSecrets, GitHub: settings.GitHubSecrets, Tokens: settings.AlertTokens, Basic: settings.AlertBasic,
		Grafana: settings.GrafanaSecrets, Origins: settings.CloudEventsOrigins,
		Routes:  r.chat.Routes(),
		Decoder: &r.decoder,
		Answer:  func(ctx context.Context, asked event.Asked) event.Answer { return r.answer(ctx, asked)[0] },
		Line:    func(ctx context.Context, level slog.Level, attrs ...slog.Attr) { lineOf(ctx).set(level, attrs...) },
		Log:     log,
	})
	for _, fault := range r.chat.Unseen() {
		log.Warn(fault)
	}
	return r, nil
}

// Invoke answers a payload, whatever trigger it comes from: a single request by
// its result, several by an array of results. Its error is a *[Failure]: another
// delivery can help, or nothing of the payload could be read. The latter is not
// told to a queue or a stream, which would deliver it again and again, nor to who
// wrote the request itself, and reads the answer.
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

// Deliver answers several messages of one invocation, the records of a queue,
// together: what they ask of one instance happens in their order. Its error, a
// *[Failure], is one of the whole invocation.
func (f *Function) Deliver(ctx context.Context, messages ...event.Message) (answers []event.Answer, err error) {
	ctx, done := f.Together(ctx)
	defer func() { done(err) }()
	r, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if v := recover(); v != nil {
			answers, err = nil, r.panicked(ctx, v)
		}
	}()
	asked := make([]event.Asked, len(messages))
	bytes := 0
	for i, m := range messages {
		bytes += len(m.Content)
		asked[i] = r.decoder.Message(m)
		for n := range asked[i].Requests {
			asked[i].Requests[n].Trust = handler.Trusted // the cloud has let the sender in
		}
	}
	lineOf(ctx).set(slog.LevelInfo, slog.Int("bytes", bytes))
	return r.answer(ctx, asked...), nil
}

// panicked logs a panic and gives the failure that it ends in.
func (r *running) panicked(ctx context.Context, v any) *Failure {
	r.log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	return &Failure{string(handler.Internal), "an unexpected fault; the log has the details"}
}

// Serve answers an HTTP request that a gateway handed over. Its error, a
// *[Failure], is one of the settings.
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

// Handler gives the routes for a server of one's own. Its error, a *[Failure], is
// one of the settings.
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

// Fleet gives the instances that the function looks after, and the API behind
// them. Its error, a *[Failure], is one of the settings.
func (f *Function) Fleet(ctx context.Context) (*fleet.Fleet, *tair.Client, error) {
	r, err := f.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	return r.fleet, r.client, nil
}

// Check reads the settings, and the secrets that they refer to, and does nothing
// else. Its error, a *[Failure], names every fault at once, and no value.
func (f *Function) Check(ctx context.Context) (err error) {
	ctx, done := f.Together(ctx)
	defer func() { done(err) }()
	lineOf(ctx).set(slog.LevelInfo, slog.String("trigger", "deployment"))
	_, err = f.start(ctx)
	return err
}

// Open reports whether a route is.
func (f *Function) Open(ctx context.Context, path string) bool {
	r, err := f.start(ctx)
	return err == nil && r.web.Open(path)
}

// answer does all that was asked at once.
func (r *running) answer(ctx context.Context, asked ...event.Asked) []event.Answer {
	var requests []handler.Delivery
	lineOf(ctx).asked(asked)
	for _, a := range asked {
		for i := range a.Requests {
			a.Requests[i].Event = a.ID
		}
		requests = append(requests, a.Requests...)
	}
	working, cancel := r.people.TimeToTell(ctx)
	defer cancel()
	results := r.fleet.Handle(working, requests)
	answers := make([]event.Answer, len(asked))
	for i, a := range asked {
		answers[i] = event.Answer{Asked: a, Results: results[:len(a.Requests)]}
		results = results[len(a.Requests):]
		if a.Sweep != nil {
			r.sweep(working, &answers[i])
		}
	}
	all := notes(answers)
	for i := range all {
		all[i].Approve = r.chat.Invitations(all[i].Result)
	}
	r.people.Tell(ctx, all)
	return answers
}

// notes are what people may have to be told of answers. Of a rehearsal nobody
// but who asked for it is: a tag that says what was told would keep the real
// thing from being told.
func notes(answers []event.Answer) (all []notify.Note) {
	for _, a := range answers {
		for i, result := range a.Results {
			if a.Requests[i].DryRun {
				continue
			}
			all = append(all, notify.Note{Result: result, Automatic: a.Requests[i].Automatic, Told: result.Tags[notify.ToldTag]})
		}
		if a.Sweep != nil && a.Sweep.DryRun {
			continue
		}
		if a.Failed != nil {
			all = append(all, notify.Note{Result: handler.Result{Outcome: handler.Failed, Reason: a.Failed.Message, Error: a.Failed}, Automatic: true})
		}
		if a.Swept == nil {
			continue
		}
		for _, result := range a.Swept.Results {
			// What was put off unseen has its turn in the next sweeps.
			if result.Outcome != handler.Deferred || result.Before != nil {
				all = append(all, notify.Note{Result: result, Automatic: true, Told: result.Tags[notify.ToldTag]})
			}
		}
	}
	return all
}

// sweep carries out a sweep order. It is an error only if nothing was changed
// and nothing could be listed: delivered again it would change more than asked.
func (r *running) sweep(ctx context.Context, a *event.Answer) {
	var err error
	if a.Sweep.Plan {
		var page fleet.Page
		if page, err = r.fleet.PlanPage(ctx, *a.Sweep); err == nil {
			a.Planned = &page
			lineOf(ctx).set(slog.LevelInfo, slog.Int("planned_requests", len(page.Requests)))
		}
	} else {
		var result fleet.Result
		if result, err = lineOf(ctx).sweep(ctx, *a.Sweep, r.fleet.Sweep); err == nil {
			a.Swept = &result
		}
	}
	if err != nil {
		e := handler.AsError(err)
		a.Failed = e
		lineOf(ctx).failed()
		lineOf(ctx).set(slog.LevelError, append([]slog.Attr{slog.String("outcome", string(handler.Failed)), slog.String("reason", e.Message)}, attrsOfError(e)...)...)
	}
}
