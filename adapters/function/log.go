package function

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"tairssl/handler"
)

// newLog returns a logger of JSON lines in which each has the id of its
// invocation. Lambda looks for the time under "timestamp".
func newLog(w io.Writer, level slog.Leveler) *slog.Logger {
	if w == nil {
		w = io.Discard
	}
	return slog.New(identified{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			a.Key = "timestamp"
		}
		return a
	}})})
}

type idKey struct{}

// WithID returns a context of an invocation to which the platform gave an id.
func WithID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, idKey{}, id)
}

// identified adds the invocation's id, by which the lines of invocations that
// run at once are told apart.
type identified struct{ slog.Handler }

func (h identified) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(idKey{}).(string); ok {
		r.AddAttrs(slog.String("invocation_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h identified) WithAttrs(attrs []slog.Attr) slog.Handler {
	return identified{h.Handler.WithAttrs(attrs)}
}

func (h identified) WithGroup(name string) slog.Handler { return identified{h.Handler.WithGroup(name)} }

// levelOfPlatform is what the platform was told to log: Lambda's
// AWS_LAMBDA_LOG_LEVEL, which it sets for a function that logs in JSON.
// Function Compute has no such variable.
func levelOfPlatform(environ []string) slog.Level {
	switch strings.ToUpper(Getenv(environ)("AWS_LAMBDA_LOG_LEVEL")) {
	case "TRACE", "DEBUG":
		return slog.LevelDebug
	case "WARN":
		return slog.LevelWarn
	case "ERROR", "FATAL":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// levelOf is the level of an outcome.
func levelOf(o handler.Outcome) slog.Level {
	switch o {
	case handler.Refused, handler.InProgress, handler.Deferred:
		return slog.LevelWarn
	case handler.Unknown, handler.Failed:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// attrsOf are the fields of a decision.
func attrsOf(d handler.Decided) []slog.Attr {
	r := d.Result
	attrs := []slog.Attr{
		slog.String("instance", r.InstanceID), slog.String("instance_name", handler.ClipText(r.InstanceName)), slog.String("region", r.RegionID), slog.String("action", string(r.SSLEnabled)),
		slog.Bool("automatic", d.Delivery.Automatic), slog.Bool("dry_run", d.Delivery.DryRun),
		slog.Bool("wrote", d.Wrote), slog.String("reason", r.Reason), slog.String("outcome", string(r.Outcome)),
		slog.String("rule", string(r.Rule)), slog.String("approved_by", r.ApprovedBy),
		slog.String("request_id", r.RequestID), slog.String("task_id", r.TaskID),
	}
	if r.Before != nil {
		attrs = append(attrs, slog.String("expiry_before", r.Before.SSLExpiredTime.String()))
	}
	if r.After != nil {
		attrs = append(attrs, slog.String("expiry_after", r.After.SSLExpiredTime.String()))
	}
	return append(attrs, attrsOfError(r.Error)...)
}

// attrsOfError says what the reason does not: the kind, the API's code, and the
// cause, which is not shown to callers.
func attrsOfError(e *handler.Error) []slog.Attr {
	if e == nil {
		return nil
	}
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("code", e.Code)}
	if e.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", e.RequestID))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	return attrs
}
