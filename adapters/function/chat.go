package function

import (
	"context"
	"log/slog"
	"net/http"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/handler"
)

// chats are the bot and its ways in and out. hand takes over what lasts longer
// than a chat waits.
func (r *running) chats(s Settings, hand func(context.Context, []byte) error, transport http.RoundTripper) *chatops.Chat {
	bot := chatops.New(r.fleet, chatops.Options{
		Allow: s.ChatAllow, Key: []byte(s.ConfirmKey), Second: s.ConfirmBy == "second", Region: s.Region[0], Log: r.log,
		Hand:   hand,
		Change: r.change,
		Audit:  func(ctx context.Context, attrs ...slog.Attr) { lineOf(ctx).said(attrs) },
	})
	return chatops.NewChat(bot, chatops.ChatOptions{
		Settings: s.Settings, ReplyHosts: s.ChatReplyHosts, Transport: transport, Undelivered: undelivered,
		Line: func(ctx context.Context, level slog.Level, attrs ...slog.Attr) { lineOf(ctx).set(level, attrs...) },
		Log:  r.log,
	})
}

// change carries out what somebody confirmed in a chat, by the way that everything
// takes that changes an instance: it is logged, counted and told to others.
func (r *running) change(ctx context.Context, d handler.Delivery) handler.Result {
	return r.answer(ctx, event.Asked{Requests: []handler.Delivery{d}, Trigger: "chat"})[0].Results[0]
}

// said notes what became of a message in a chat. A command that failed counts as a
// request that failed, unless its sender named something wrong. What was asked of the
// fleet is counted already; what no rule allows is no request.
func (l *line) said(attrs []slog.Attr) {
	l.set(slog.LevelInfo, attrs...)
	failed := false
	for _, a := range attrs {
		switch value := a.Value.String(); {
		case a.Key == "outcome":
			failed = value == string(handler.Failed)
		case a.Key == "kind" && (value == string(handler.Invalid) || value == string(handler.NotFound)):
			return
		}
	}
	l.mu.Lock()
	counted := len(l.outcomes) > 0
	l.mu.Unlock()
	if failed && !counted {
		l.failed()
	}
}

// undelivered counts a notice, or an answer in a chat, that could not be sent.
func undelivered(ctx context.Context) { lineOf(ctx).undelivered() }
