package cli

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tairssl/adapters/cli/fleetpage"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// fleetPage holds the data of the fleet's page.
type fleetPage struct {
	Generated time.Time // the time of the page
	Policy    handler.Policy
	Regions   []string // the regions that were read
	Coverage  []fleet.Coverage
	Rows      []status
	Again     string // the command that writes the page again
	// Line makes a command for a shell, such as the status command for an instance.
	Line func(name, id, region string) string
}

// writePage writes the page. After an error the output is not complete.
func writePage(w io.Writer, p fleetPage) error { return fleetpage.Write(w, p.page()) }

// again is the command that writes the page again. It names the file without its folder,
// because people may read the page on another machine.
func (c *command) again(file string, tags map[string]string) string {
	line := c.line("status --all --html", filepath.Base(file), c.region)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		line += " --tag " + quoted(key+"="+tags[key])
	}
	return line
}

func writeFile(name string, p fleetPage) error {
	return replaceFile(name, func(w io.Writer) error { return writePage(w, p) })
}

// page translates the rows into the terms of package fleetpage.
func (p fleetPage) page() fleetpage.Page {
	page := fleetpage.Page{Generated: p.Generated, RenewBefore: p.renewBefore(), Regions: p.Regions, Again: p.Again}
	page.Unread, page.Empty = notRead(p.Coverage)
	page.Freezes = p.spans()
	for _, s := range p.Rows {
		renewal := p.renewal(s)
		group := p.group(s, renewal)
		page.Rows = append(page.Rows, fleetpage.Row{
			ID: s.InstanceID, Name: s.InstanceName, Region: s.RegionID, Group: group,
			Expires: s.SSLExpiredTime.Time, Renewal: renewal,
			Why: s.whyOnPage(renewal.Rule), Facts: p.facts(s), Commands: p.commands(s, group),
		})
	}
	return page
}

func (p fleetPage) renewBefore() time.Duration {
	if p.Policy.RenewBefore == 0 {
		return handler.DefaultRenewBefore
	}
	return p.Policy.RenewBefore
}

// renewal says when an unattended change will renew a certificate, and which rule decides
// the time. If the certificate is due, the answer comes from the result of a sweep.
// Otherwise it comes from the handler's forecast.
func (p fleetPage) renewal(s status) fleetpage.Renewal {
	due := s.SSLExpiredTime.Add(-p.renewBefore())
	switch {
	case s.SSLExpiredTime.IsZero() || s.stopped():
		return fleetpage.Renewal{}
	case p.Policy.Pause:
		return fleetpage.Renewal{Rule: fleetpage.Paused}
	case s.state.Observation.Off():
		return fleetpage.Renewal{Rule: fleetpage.OptedOutRule}
	case !p.allows(s) || s.state.Sweep.Outcome == handler.Refused:
		return fleetpage.Renewal{Rule: fleetpage.Forbidden}
	case !s.ScheduledTime.IsZero() && s.ScheduledTime.Before(s.SSLExpiredTime.Time):
		return fleetpage.Renewal{At: s.ScheduledTime.Time, Rule: fleetpage.Alibaba}
	case s.state.Sweep.Outcome == handler.Deferred:
		return s.held(p.Generated)
	case s.state.Sweep.Outcome == handler.InProgress:
		return fleetpage.Renewal{At: p.Generated, Rule: fleetpage.Busy}
	case !due.After(p.Generated):
		return fleetpage.Renewal{At: p.Generated, Rule: fleetpage.WhenDue}
	}
	f := p.Policy.Forecast(s.state.Ref, s.state.Observation, p.Generated)
	known := s.state.Observation.MaintainStartTime != "" || f.Rule == handler.RuleFreeze || f.Rule == handler.RuleApproval
	if p.Policy.Window.Own() && !known { // a listing does not have the instance's own window
		return fleetpage.Renewal{At: due, Rule: fleetpage.OwnWindow}
	}
	if f.At.IsZero() && f.Rule == handler.RuleNone { // the instance is broken now, but may run again at that time
		return fleetpage.Renewal{At: due, Rule: fleetpage.WhenDue}
	}
	return fleetpage.Renewal{At: f.At.Time, Rule: rulesOnPage[f.Rule]}
}

// allows reports whether the settings let an instance be updated.
func (p fleetPage) allows(s status) bool {
	return p.Policy.Covers(s.InstanceID) && (len(p.Policy.Actions) == 0 || slices.Contains(p.Policy.Actions, handler.Update))
}

// group is the most important fact about an instance.
func (p fleetPage) group(s status, r fleetpage.Renewal) fleetpage.Group {
	switch {
	case s.SSLEnabled == string(handler.Disable):
		return fleetpage.NoEncryption
	case s.SSLEnabled == noTLS:
		return fleetpage.NoTLS
	case s.stopped():
		return fleetpage.Stopped
	case s.Error != nil || s.SSLExpiredTime.IsZero():
		return fleetpage.Unreadable
	case !s.SSLExpiredTime.After(p.Generated):
		return fleetpage.Expired
	case r.Rule == fleetpage.NewCA:
		return fleetpage.Waiting
	case s.Alert || !r.At.Before(s.SSLExpiredTime.Time):
		return fleetpage.TooLate
	case r.Rule == fleetpage.OptedOutRule:
		return fleetpage.OptedOut
	case s.Due && (r.Rule == fleetpage.WhenDue || r.Rule == fleetpage.Busy):
		return fleetpage.Due
	case s.Due:
		return fleetpage.Waiting
	case s.WrongName:
		return fleetpage.WrongName
	}
	return fleetpage.Fine
}

// whyOnPage is the reason without the facts that the group and the rule already say.
func (s status) whyOnPage(r fleetpage.Rule) string {
	var why []string
	switch {
	case s.Error != nil:
		why = append(why, s.Error.Error())
	case s.SSLEnabled == string(handler.Enable) && s.SSLExpiredTime.IsZero():
		why = append(why, "Encryption is on, but the API gives no expiry. Try again.")
	case s.state.Sweep.Outcome == handler.Failed, s.state.Sweep.Outcome == handler.InProgress, s.state.Sweep.Outcome == handler.Refused && r == fleetpage.Forbidden:
		why = append(why, s.Reason)
	case r == fleetpage.NewCA:
		why = append(why, s.state.Sweep.Held)
	}
	if s.WrongName {
		why = append(why, fmt.Sprintf("The certificate is for %s, but the endpoint is %s.", s.CertCommonName, s.ConnectionDomain))
	}
	if odd := s.InstanceStatus != "" && s.InstanceStatus != "Normal"; odd && !strings.Contains(join(why...), "the instance is "+s.InstanceStatus) {
		why = append(why, "The instance is "+s.InstanceStatus+".")
	}
	return strings.Join(why, " ")
}

// facts are details of an instance that its row does not show.
func (p fleetPage) facts(s status) (facts []fleetpage.Fact) {
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, fleetpage.Fact{Name: name, Value: value})
		}
	}
	if !s.SSLExpiredTime.IsZero() && !s.stopped() {
		add("Maintenance window", p.window(s.state.Observation.Instance))
	}
	if !strings.HasPrefix(s.ConnectionDomain, s.InstanceID+".") {
		add("Endpoint", s.ConnectionDomain)
	}
	add("Global instance", s.GlobalInstanceID)
	return facts
}

// window describes the maintenance window of an instance; "" if it is not known.
func (p fleetPage) window(i handler.Instance) string {
	switch {
	case p.Policy.Window.String() == "any":
		return "any time"
	case !p.Policy.Window.Own():
		return p.Policy.Window.String()
	case i.MaintainStartTime == "" || i.MaintainEndTime == "":
		return ""
	}
	return strings.TrimSuffix(i.MaintainStartTime, "Z") + " to " + strings.TrimSuffix(i.MaintainEndTime, "Z") + " UTC"
}

// commands are commands that a person may want to run for an instance. An instance with
// an invalid id has no commands, because nobody should paste an arbitrary text into a
// shell.
func (p fleetPage) commands(s status, g fleetpage.Group) (commands []string) {
	if !handler.ValidID(s.InstanceID) {
		return nil
	}
	var verbs []string
	switch g {
	case fleetpage.NoTLS:
	case fleetpage.NoEncryption:
		verbs = []string{"enable", "status"}
	case fleetpage.Fine, fleetpage.Stopped, fleetpage.Unreadable:
		verbs = []string{"status"}
	default:
		verbs = []string{"update", "status"}
	}
	if s.Rule == handler.RuleApproval {
		verbs = append([]string{"approve"}, verbs...)
	}
	for _, verb := range verbs {
		commands = append(commands, p.Line(verb, s.InstanceID, s.RegionID))
	}
	return commands
}
