package function

import (
	"tairssl/adapters/chatops"
	"tairssl/adapters/webhook"
)

// Route is a path that the function may answer over HTTP.
type Route struct {
	Path string
	// Settings each open the route, without the prefix; none: it is always open.
	Settings []string
}

// Routes are all that there are: those for programs, those of the chats, and the one
// that says that the function answers.
func Routes() (all []Route) {
	for _, m := range webhook.Machines {
		all = append(all, Route{m.Path, m.Settings()})
	}
	for _, p := range chatops.Platforms {
		all = append(all, Route{p.Route, []string{p.Setting}})
	}
	return append(all, Route{Path: webhook.Healthz})
}
