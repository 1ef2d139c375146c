package function

import (
	"context"
	"log/slog"
	"net/http"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/handler"
)

// chats makes the bot, its routes and its answers. It calls hand with work that takes
// longer than a chat waits.
func (r *running) chats(s Settings, hand func(context.Context, []byte) error, transport http.RoundTripper) *chatops.Chat {
	bot := chatops.New(r.fleet, chatops.Options{
		Allow: s.ChatAllow, Key: []byte(s.ConfirmKey), Second: s.ConfirmBy == "second", Region: s.Region[0], Log: r.log,
		Hand:   hand,
		Change: r.change,
		Audit:  func(ctx context.Context, attrs ...slog.Attr) { lineOf(ctx).said(attrs) },
	})
	return chatops.NewChat(bot, chatops.ChatOptions{
		Settings: s.Settings, ReplyHosts: s.ChatReplyHosts, Transport: transport, Undelivered: undelivered,
		Line: addFields, Log: r.log,
	})
}

// change makes a change that a person confirmed in a chat. Like every other change, it is
// logged and counted, and causes notices.
func (r *running) change(ctx context.Context, d handler.Delivery) handler.Result {
	return r.answer(ctx, event.Asked{Requests: []handler.Delivery{d}, Trigger: "chat"})[0].Results[0]
}

// said records the result of a chat message. A command that failed counts as a failed
// request. Three kinds of commands are not counted here: a command with a wrong name, a
// command that no rule allows, and a request to the fleet, which is counted already.
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
	counted := len(l.facts.outcomes) > 0
	l.mu.Unlock()
	if failed && !counted {
		l.failed()
	}
}
