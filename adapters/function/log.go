package function

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"tairssl/handler"
)

// newLog returns a logger of JSON lines. Each line has the id of its invocation. Lambda
// reads the time from the field "timestamp".
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

// WithID returns the context of an invocation with its id from the platform.
func WithID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, idKey{}, id)
}

// identified adds the invocation's id to each line, so that the lines of concurrent
// invocations can be told apart.
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

// levelOfPlatform is the log level that the platform's user chose. For a function that
// logs JSON, Lambda sets it in AWS_LAMBDA_LOG_LEVEL. Function Compute has no such
// variable.
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

// fieldsOf gives the fields of a request and its result.
func fieldsOf(d handler.Decided) []slog.Attr {
	r := d.Result
	attrs := []slog.Attr{
		slog.String("event_id", handler.ClipText(d.Delivery.Event)),
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

// attrsOfError gives the fields that the reason lacks: the kind, the API's code, and the
// cause, which callers do not see.
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
