package doctor

import (
	"io"
	"strings"

	"tairssl/adapters/function"
)

// routes says which routes are open with these settings. A closed route is no
// fault.
func (x *examination) routes() (findings []Finding) {
	f := function.New(function.Options{Environ: x.Environ, Log: io.Discard})
	get := function.Getenv(x.Environ)
	for _, route := range function.Routes() {
		var by, could []string
		for _, setting := range route.Settings {
			could = append(could, function.Prefix+setting)
			if strings.TrimSpace(get(function.Prefix+setting)) != "" {
				by = append(by, function.Prefix+setting)
			}
		}
		switch {
		case len(route.Settings) == 0:
			findings = append(findings, pass(Route, route.Path, "always open"))
		case f.Open(x.ctx, route.Path):
			findings = append(findings, pass(Route, route.Path, "open by %s", strings.Join(by, ", ")))
		default:
			closed := skip(Route, route.Path, "closed")
			closed.Fix = "to open it, set " + strings.Join(could, " or ")
			findings = append(findings, closed)
		}
	}
	return findings
}
