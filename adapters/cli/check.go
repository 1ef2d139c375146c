package cli

import (
	"fmt"

	"tairssl/adapters/cli/fleetpage"
)

// The exit codes of status --check. Monitoring plugins use the same codes.
const (
	checkDue  = 1 // a certificate is due and was not renewed although it could be, or nothing will renew it
	checkLate = 2 // a certificate expired, or cannot be renewed in time
)

// concerns are the groups of the page that need a look, with a word for the table and
// the exit code. Instances that wait for a window that opens in time, or for Alibaba's own
// renewal, need nobody.
var concerns = map[fleetpage.Group]struct {
	word string
	code int
}{
	fleetpage.Expired:  {"expired", checkLate},
	fleetpage.TooLate:  {"cannot be renewed in time", checkLate},
	fleetpage.Due:      {"due", checkDue},
	fleetpage.OptedOut: {"due, opted out", checkDue},
}

// waiting are the rules that hold a renewal back until a person acts.
var waiting = map[fleetpage.Rule]string{
	fleetpage.Approval: "due, an approval is missing", fleetpage.Paused: "due, changes are paused",
	fleetpage.Forbidden: "due, the settings do not allow it", fleetpage.NewCA: "due, clients need the new CA first",
}

// check lists the instances that need a person. JSON is an array of these instances.
func (c *command) check(h instances, rows []status) error {
	p := fleetPage{Generated: h.Now(), Policy: h.Policy}
	code := 0
	named := []status{}
	t := newInstanceTable("REGION", "EXPIRES", "STATE", "WHY")
	for _, s := range rows {
		renewal := p.renewal(s)
		concern, ok := concerns[p.group(s, renewal)]
		if why := waiting[renewal.Rule]; !ok && why != "" && s.Due {
			concern.word, concern.code, ok = why, checkDue, true
		}
		if !ok || !s.Due && concern.code == checkDue || renewal.Rule == fleetpage.Busy {
			continue
		}
		code = max(code, concern.code)
		named = append(named, s)
		t.add(s.InstanceID, s.InstanceName, s.RegionID, days(s.SSLExpiredTime, p.Generated), concern.word, s.brief(h))
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
		fmt.Fprintf(c.Stdout, "Nothing to look at: %s, and every certificate that is due will be renewed in time.\n", counted(len(rows), "instance", "instances"))
	}
	if code != 0 {
		return exit(code)
	}
	return failed
}
