package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tairssl/adapters/cli/calendar"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// settledAhead is how far ahead the exact hour of a renewal is known. The command reads the
// instance's own window and Alibaba's schedule only for certificates that are due by then.
const settledAhead = 90 * 24 * time.Hour

// writeCalendar writes a calendar of expiries and renewals to a file.
func (c *command) writeCalendar(ctx context.Context, h instances, tags map[string]string, file string) error {
	shown := c.gauge("reading")
	defer shown.end()
	now := h.Now()
	rows, coverage := h.Outlook(ctx, h.Regions, tags, now.Add(settledAhead))
	rows = slices.DeleteFunc(rows, func(row fleet.Outlook) bool { return row.Err != nil && row.Err.Kind == handler.NotFound }) // released after it was listed
	shown.end()
	if ctx.Err() != nil {
		return exit(interruptedCode) // an incomplete calendar must not replace a complete one
	}
	events := eventsOf(rows, coverage, now)
	if err := replaceFile(file, func(w io.Writer) error { return calendar.Write(w, "Tair certificates", now, events) }); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(c.Stderr, "wrote %s\n", file)
	c.warnEmpty(coverage)
	code := 0
	for _, row := range rows {
		if e := unreadRow(row); e != nil {
			fmt.Fprintf(c.Stderr, "tairssl: %s: %s\n", row.InstanceID, e.Message)
			code = max(code, e.Kind.ExitCode())
		}
	}
	return worse(c.unread(coverage), ended(code))
}

// eventsOf are the events of a calendar. The last event says when the instances were
// read. It also names the instances that are missing because they could not be read.
func eventsOf(rows []fleet.Outlook, coverage []fleet.Coverage, now time.Time) (events []calendar.Event) {
	var unread []string
	for _, region := range coverage {
		if region.Error != nil {
			unread = append(unread, region.Error.Message)
		}
	}
	for _, row := range rows {
		if e := unreadRow(row); e != nil {
			unread = append(unread, row.InstanceID+": "+e.Message)
			continue
		}
		events = append(events, eventsOfInstance(row, now)...)
	}
	read := calendar.Event{
		UID: "read@tairssl", At: now, Category: "tairssl",
		Summary:     fmt.Sprintf("tairssl has read the certificates of %d instances", len(rows)),
		Description: "This calendar was written " + handler.At(now).String() + ".",
	}
	if unread != nil {
		read.Summary += ", but not all of them"
		read.Description += "\nMissing here:\n" + strings.Join(unread, "\n")
	}
	return append(events, read)
}

// unreadRow is the reason why an instance could not be read. It is nil for a stopped
// instance, because the API tells little about stopped instances.
func unreadRow(row fleet.Outlook) *handler.Error {
	if row.Observation.Stopped() {
		return nil
	}
	return row.Err
}

// eventsOfInstance are the expiry and the next renewal of an instance.
func eventsOfInstance(row fleet.Outlook, now time.Time) (events []calendar.Event) {
	o := row.Observation
	if !o.Enabled || o.Expires.IsZero() {
		return nil
	}
	called := row.InstanceID
	if o.Name != "" && o.Name != called {
		called = o.Name + " (" + row.InstanceID + ")"
	}
	of := row.RegionID + "." + row.InstanceID + "@tairssl"
	where := fmt.Sprintf("Instance %s in %s, at %s.", called, row.RegionID, o.ConnectionDomain)
	expiry := calendar.Event{UID: "expiry." + of, At: o.Expires, Category: "Expiry", Summary: "Certificate of " + called + " expires", Description: where}
	if !o.Expires.After(now) {
		expiry.Summary = "Certificate of " + called + " has expired"
	}
	if row.At.IsZero() {
		expiry.Description += "\nIt is not renewed automatically: " + row.Reason + "."
		return append(events, expiry)
	}
	renewal := calendar.Event{UID: "renewal." + of, At: row.At.Time, Category: "Renewal", Summary: "Certificate of " + called + " is renewed", Description: where + "\nThe instance restarts: " + row.Reason + "."}
	if row.Rule == handler.RuleAlibaba {
		renewal.Summary = "Alibaba renews the certificate of " + called
	}
	if !row.InTime {
		renewal.Summary += ", too late"
	}
	if row.At.After(now.Add(settledAhead)) {
		renewal.Description += fmt.Sprintf("\nThe exact hour is known %s before the renewal.", handler.Span(settledAhead))
	}
	return append(events, expiry, renewal)
}
