package function

import (
	"context"
	"log/slog"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/webhook"
)

// Route is a path that the function answers over HTTP.
type Route struct {
	Path string
	// Settings lists the settings that open the route, without the prefix. One of them is
	// enough. If the list is empty, the route is always open.
	Settings []string
}

// Routes lists all routes: those for programs, those of the chats, and the health check.
func Routes() (all []Route) {
	for _, m := range webhook.Machines {
		all = append(all, Route{m.Path, m.Settings()})
	}
	for _, p := range chatops.Platforms {
		all = append(all, Route{p.Route, []string{p.Setting}})
	}
	return append(all, Route{Path: webhook.Healthz})
}

// routes answers the routes whose secrets the settings hold.
func (r *running) routes(s Settings) *webhook.Handler {
	return webhook.New(webhook.Options{
		Standard: s.WebhookSecrets, GitHub: s.GitHubSecrets, Tokens: s.AlertTokens, Basic: s.AlertBasic,
		Grafana: s.GrafanaSecrets, Origins: s.CloudEventsOrigins,
		Routes:  r.chat.Routes(),
		Decoder: &r.decoder,
		Answer:  func(ctx context.Context, asked event.Asked) event.Answer { return r.answer(ctx, asked)[0] },
		Line:    addFields,
		Log:     r.log,
	})
}

// addFields adds fields to the log line of ctx's invocation.
func addFields(ctx context.Context, level slog.Level, attrs ...slog.Attr) {
	lineOf(ctx).set(level, attrs...)
}
