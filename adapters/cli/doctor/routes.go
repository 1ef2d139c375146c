package doctor

import (
	"io"
	"strings"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
)

// openers are the settings each of which opens a route of machines.
var openers = map[string][]string{
	"/ssl":          {"WEBHOOK_SECRETS", "GITHUB_SECRETS", "ALERT_TOKENS", "ALERT_BASIC"},
	"/alertmanager": {"ALERT_TOKENS", "ALERT_BASIC"},
	"/grafana":      {"GRAFANA_SECRETS", "ALERT_TOKENS", "ALERT_BASIC"},
	"/cloudevents":  {"WEBHOOK_SECRETS", "ALERT_TOKENS", "ALERT_BASIC"},
}

// openersOf are the settings each of which opens a route.
func openersOf(route string) []string {
	for _, p := range chatops.Platforms {
		if p.Route == route {
			return []string{p.Setting}
		}
	}
	return openers[route]
}

// routes says which routes the function answers with these settings. That one
// is closed is no fault.
func (x *examination) routes() (findings []Finding) {
	f := function.New(function.Options{Environ: x.Environ, Log: io.Discard})
	get := function.Getenv(x.Environ)
	for _, route := range x.Routes {
		var by, could []string
		for _, setting := range openersOf(route) {
			could = append(could, function.Prefix+setting)
			if strings.TrimSpace(get(function.Prefix+setting)) != "" {
				by = append(by, function.Prefix+setting)
			}
		}
		switch {
		case route == "/healthz":
			findings = append(findings, pass(Route, route, "always open"))
		case f.Open(x.ctx, route):
			findings = append(findings, pass(Route, route, "open by %s", strings.Join(by, ", ")))
		default:
			closed := skip(Route, route, "closed")
			closed.Fix = "to open it, set " + strings.Join(could, " or ")
			findings = append(findings, closed)
		}
	}
	return findings
}
