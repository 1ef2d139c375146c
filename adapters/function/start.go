package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/notify"
	"tairssl/adapters/tair"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// running is everything that an invocation needs.
type running struct {
	fleet   *fleet.Fleet
	client  *tair.Client
	decoder event.Decoder
	web     *webhook.Handler
	chat    *chatops.Chat
	people  *notify.Notifier
	log     *slog.Logger
}

// start makes everything that invocations need, at the first one. It does not remember a
// failure, because a secret that is missing now may exist at the next invocation.
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

// wire reads the settings and makes every part from them.
func (f *Function) wire(ctx context.Context) (*running, error) {
	settings, environ, err := f.settings(ctx)
	if err != nil {
		return nil, err
	}
	credentials := f.credentials(settings, environ)
	transport := f.options.Transport
	if transport == nil {
		transport = notify.NewTransport(settings.Roots())
	}
	r := &running{log: f.log, decoder: event.Decoder{Certificates: settings.CertMap}}
	r.fleet, r.client = settings.Fleet(credentials, f.log)
	r.people = r.notifier(settings, transport)
	r.chat = r.chats(settings, f.hand(settings, credentials), transport)
	r.web = r.routes(settings)
	for _, fault := range r.chat.Unseen() {
		f.log.Warn(fault)
	}
	return r, nil
}

// settings reads the settings, and applies those of the log. environ is the environment
// in which secrets have replaced the references. If a setting is wrong, the error is a
// *[Failure] that names every fault.
func (f *Function) settings(ctx context.Context) (s Settings, environ []string, err error) {
	environ, unread := Resolve(ctx, f.options.Environ, f.options.Vault)
	s, unknown, err := ParseSettings(environ)
	if s.LogLevel != nil {
		f.level.Set(*s.LogLevel)
	}
	if namespace := string(s.Metrics); f.options.Metrics {
		f.metrics.Store(&namespace)
	}
	if err = errors.Join(unread, err); err != nil {
		faults := strings.Split(err.Error(), "\n")
		lineOf(ctx).set(slog.LevelError, slog.Any("faults", faults))
		kind := handler.Internal
		if errors.Is(err, handler.Unavailable) {
			kind = handler.Unavailable
		}
		return s, nil, &Failure{string(kind), fmt.Sprintf("%d of the function's settings are wrong: %s", len(faults), strings.Join(faults, "; "))}
	}
	if n := len(s.ConfirmKey); n > 0 && n < 16 {
		f.log.WarnContext(ctx, "a short key can be guessed: give it 16 random characters or more", "variable", Prefix+"CONFIRM_KEY")
	}
	for _, name := range unknown {
		f.log.WarnContext(ctx, "unknown setting: it has no effect", "variable", name)
	}
	return s, environ, nil
}
