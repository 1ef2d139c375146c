package chatops

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"tairssl/handler"
)

// Two outcomes that only chat messages have.
const (
	answered      handler.Outcome = "answered"       // the bot read something or handed work over; nothing has changed yet
	notUnderstood handler.Outcome = "not understood" // the message is not a command
)

// audit is the record of a message for the log. The handler itself logs the result of a
// change.
type audit struct {
	verb, why, requestID string
	outcome              handler.Outcome
	instances            []string
	region               string
	handed               bool           // another invocation goes on with the work
	partial              bool           // the time was too short to read everything
	wrong                bool           // the code is not from this bot
	err                  *handler.Error // the first failure
}

// severity orders the audits of several changes. The log shows the most severe one.
func (a *audit) severity() int {
	switch {
	case a.err != nil:
		return 2
	case a.outcome != handler.Planned:
		return 1
	}
	return 0
}

// lacksTime reports whether a call was not made, because too little time was left for it.
func (a *audit) lacksTime() bool { return a.err != nil && errors.Is(a.err, handler.ErrNoTime) }

// audited logs the audit of a message.
func (b *Bot) audited(ctx context.Context, m Message, a audit) {
	actor := ""
	if m.User != "" {
		actor = m.Platform + ":" + handler.ClipText(m.Tenant) + "/" + handler.ClipText(m.User) // in the form that a rule uses
	}
	instances := make([]string, len(a.instances))
	for i, name := range a.instances {
		instances[i] = handler.Quoted(name) // it may be a URL with a password
	}
	attrs := []slog.Attr{
		slog.String("actor", actor), slog.String("channel", handler.ClipText(m.Channel)), slog.String("verb", a.verb),
		slog.String("instance", strings.Join(instances, ",")), slog.String("region", a.region),
		slog.String("outcome", string(a.outcome)), slog.String("reason", a.why), slog.String("request_id", a.requestID),
	}
	if a.handed {
		attrs = append(attrs, slog.Bool("handed", true))
	}
	if e := a.err; e != nil {
		attrs = append(attrs, slog.String("kind", string(e.Kind)), slog.String("code", e.Code))
		if a.requestID == "" && e.RequestID != "" {
			attrs = append(attrs, slog.String("request_id", e.RequestID))
		}
		if e.Err != nil {
			attrs = append(attrs, slog.String("cause", e.Err.Error()))
		}
	}
	b.Audit(ctx, attrs...)
}
