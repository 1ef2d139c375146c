package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"tairssl/handler"
)

// printStatus shows the rows. JSON is an array for several rows, and always for a fleet.
func (c *command) printStatus(h instances, rows []status, fleet bool) error {
	failed := c.rowErrors(rows)
	if c.output == "json" {
		if err := printJSON(c.Stdout, rows, fleet); err != nil {
			return err
		}
		return failed
	}
	now := time.Now()
	t := newInstanceTable("REGION", "STATUS", "TLS", "EXPIRES", "CERT NAME", "ENDPOINT", "WHY")
	for _, r := range rows {
		t.add(r.InstanceID, r.InstanceName, c.statusCells(h, r, now)...)
	}
	drawn := t.Render(c.width())
	fmt.Fprintln(c.Stdout, drawn)
	for _, r := range rows {
		if r.Error != nil {
			tellCut(c.Stdout, drawn, r.InstanceID, r.Error.Message)
		}
	}
	if len(rows) == 1 && !fleet {
		if said := c.explain(h, rows[0]); said != nil {
			fmt.Fprintf(c.Stdout, "\n%s\n", strings.Join(said, "\n"))
		}
	}
	return failed
}

// statusCells are the cells of a row after the instance's id and name.
func (c *command) statusCells(h instances, r status, now time.Time) []string {
	name, endpoint := "", ""
	if c.output == "wide" {
		name, endpoint = r.CertCommonName, r.ConnectionDomain
	}
	cells := func(state, tls, expires, why string) []string {
		return []string{r.RegionID, state, tls, expires, name, endpoint, why}
	}
	switch {
	case r.Error != nil:
		return cells(c.paint(text.FgRed, string(r.Error.Kind)), "", "", r.Error.Message)
	case r.SSLEnabled == noTLS:
		return cells(r.InstanceStatus, noTLS, "-", r.Reason)
	case r.SSLEnabled == string(handler.Disable):
		return cells(r.InstanceStatus, "off", "-", join("encryption is off", r.Reason))
	}
	why := r.brief(h)
	if c.output == "wide" {
		why = r.inFull()
	}
	return cells(r.InstanceStatus, "on", c.paint(r.color(now), days(r.SSLExpiredTime, now)), why)
}

// color is red for an expired certificate, yellow for a due certificate, and otherwise
// green.
func (s status) color(now time.Time) text.Color {
	switch {
	case s.DaysLeft != nil && s.SSLExpiredTime.Before(now):
		return text.FgRed
	case s.Due:
		return text.FgYellow
	}
	return text.FgGreen
}

// brief is the reason without the facts that other columns of the table show.
func (s status) brief(h instances) string {
	var parts []string
	switch {
	case s.stopped():
		parts = append(parts, "the instance is "+s.InstanceStatus+", so nothing is renewed")
	case s.Due && s.state.Sweep.Outcome == handler.Planned && s.Reason == s.state.Why:
		parts = append(parts, "due: the next sweep renews it")
	case s.Due:
		parts = append(parts, "due, but "+s.heldBack())
	default:
		due := h.Forecast(s.state.Ref, s.state.Observation).Due
		if !due.IsZero() {
			parts = append(parts, "not due before "+due.Format(time.DateOnly))
		}
	}
	if s.WrongName {
		parts = append(parts, fmt.Sprintf("its name %s is not that of the endpoint %s", s.CertCommonName, s.ConnectionDomain))
	}
	parts = append(parts, memberOf(s.state.Observation))
	if text := join(parts...); !strings.Contains(text, s.alibabas()) {
		parts = append(parts, s.alibabas())
	}
	return join(parts...)
}

// rowErrors names the credential if the API refused it. It returns the error for the exit
// code if some instances could not be read; nil if all were read.
func (c *command) rowErrors(rows []status) error {
	code := 0
	var failed []handler.Result
	for _, r := range rows {
		failed = append(failed, handler.Result{Error: r.Error})
		if r.Error != nil && !r.stopped() { // the API tells little about a stopped instance
			code = max(code, r.Error.Kind.ExitCode())
		}
	}
	c.nameSource(failed)
	return ended(code)
}
