package cli

import (
	"fmt"

	"tairssl/adapters/cli/fleetpage"
)

// The exit codes of status --check, as those of monitoring plugins.
const (
	checkDue  = 1 // something is due, and nothing will renew it
	checkLate = 2 // something expired, or cannot be renewed in time
)

// concerns says which groups of the page a check tells of: how, and with which
// exit code. What waits for a window that opens in time, or for Alibaba's own
// renewal, is handled.
var concerns = map[fleetpage.Group]struct {
	what string
	code int
}{
	fleetpage.Expired:  {"expired", checkLate},
	fleetpage.TooLate:  {"cannot be renewed in time", checkLate},
	fleetpage.Due:      {"due", checkDue},
	fleetpage.OptedOut: {"due, opted out", checkDue},
}

// waiting are the rules after which nothing happens until a person acts.
var waiting = map[fleetpage.Rule]string{
	fleetpage.Approval: "due, an approval is missing", fleetpage.Paused: "due, changes are paused",
	fleetpage.Forbidden: "due, the settings do not allow it", fleetpage.NewCA: "due, clients need the new CA first",
}

// check names what a person has to look at. JSON is an array of these instances.
func (c *command) check(h instances, rows []status) error {
	p := fleetPage{Generated: h.Now(), Policy: h.Policy}
	code := 0
	named := []status{}
	t := newInstanceTable("REGION", "EXPIRES", "STATE", "WHY")
	for _, s := range rows {
		renewal := p.renewal(s)
		concern, ok := concerns[p.group(s, renewal)]
		if why := waiting[renewal.Rule]; !ok && why != "" && s.Due {
			concern.what, concern.code, ok = why, checkDue, true
		}
		if !ok || !s.Due && concern.code == checkDue || renewal.Rule == fleetpage.Busy {
			continue
		}
		code = max(code, concern.code)
		named = append(named, s)
		t.add(s.InstanceID, s.InstanceName, s.RegionID, days(s.SSLExpiredTime, p.Generated), concern.what, s.brief(h))
	}
	failed := c.rowErrors(rows)
	switch {
	case c.output == "json":
		if err := printJSON(c.Stdout, named, true); err != nil {
			return err
		}
	case len(named) > 0:
		fmt.Fprintln(c.Stdout, t.Render(c.width()))
		fmt.Fprintf(c.Stdout, "\n%s of %d to look at. Why, and what to do: %s\n", counted(len(named), "instance", "instances"), len(rows), c.line("status", named[0].InstanceID, named[0].RegionID))
	case failed == nil:
		fmt.Fprintf(c.Stdout, "Nothing to look at: %s, and what is due will be renewed in time.\n", counted(len(rows), "instance", "instances"))
	}
	if code == 0 {
		return failed
	}
	return exit(code)
}
