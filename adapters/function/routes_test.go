package function_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/function"
	"tairssl/adapters/webhook"
)

// A setting opens the routes that name it, and no other route.
func TestASettingOpensTheRoutesThatNameIt(t *testing.T) {
	values := map[string]string{
		"WEBHOOK_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ALERT_BASIC": "user:password", "TEAMS_SECRETS": "c2VjcmV0",
		"WECOM_CALLBACKS": "token:" + strings.Repeat("A", 43),
	}
	routes, settings := function.Routes(), []string(nil)
	for _, route := range routes {
		settings = append(settings, route.Settings...)
	}
	slices.Sort(settings)
	settings = slices.Compact(settings)
	if len(routes) < 11 || len(settings) < 11 {
		t.Fatalf("there are only %d routes and %d settings that open one", len(routes), len(settings))
	}
	for _, setting := range settings {
		value, ok := values[setting]
		if !ok {
			value = "secret"
		}
		if function.Help(function.Prefix+setting) == "" {
			t.Errorf("%s is no setting", setting)
		}
		f := function.New(function.Options{Environ: []string{function.Prefix + setting + "=" + value}})
		for _, route := range routes {
			if open := f.Open(context.Background(), route.Path); open != slices.Contains(route.Settings, setting) {
				t.Errorf("with only %s set, the route %s is open: %t", setting, route.Path, open)
			}
		}
	}
	if last := routes[len(routes)-1]; last.Path != webhook.Healthz || last.Settings != nil {
		t.Errorf("the route that is always open is %v", last)
	}
}
