package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"tairssl/handler"
)

// colors are the colors of the outcomes: green for good, red for bad.
var colors = map[handler.Outcome]text.Color{
	handler.Verified: text.FgGreen, handler.Accepted: text.FgGreen, handler.Unchanged: text.FgHiBlack,
	handler.Planned: text.FgCyan, handler.Deferred: text.FgYellow, handler.InProgress: text.FgYellow,
	handler.Refused: text.FgMagenta, handler.Unknown: text.FgRed, handler.Failed: text.FgRed,
}

func (c *command) paint(color text.Color, s string) string {
	if !c.Color {
		return s
	}
	return text.Colors{color}.Sprint(s)
}

// printJSON writes a single value as an object, and several as an array. If always is
// true, it always writes an array.
func printJSON[T any](w io.Writer, values []T, always bool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if len(values) == 1 && !always {
		return enc.Encode(values[0])
	}
	if values == nil {
		values = []T{}
	}
	return enc.Encode(values)
}

// print shows results and returns the error for their worst exit code.
func (c *command) print(w io.Writer, results []handler.Result) error {
	c.nameSource(results)
	if c.output == "json" {
		if err := printJSON(w, results, false); err != nil {
			return err
		}
		return worst(results)
	}
	now := time.Now()
	t := newInstanceTable("REGION", "ACTION", "OUTCOME", "EXPIRES", "WHY")
	for _, r := range results {
		expires := "-"
		if r.Before != nil {
			expires = days(r.Before.SSLExpiredTime, now)
		}
		if r.After != nil {
			expires += " → " + days(r.After.SSLExpiredTime, now)
		}
		outcome, color := string(r.Outcome), colors[r.Outcome]
		switch {
		case r.ApprovedBy != "": // its outcome is deferred, because the renewal waits for the window
			outcome, color = "approved", text.FgGreen
		case r.Error != nil:
			outcome += ": " + string(r.Error.Kind)
		}
		t.add(r.InstanceID, r.InstanceName, r.RegionID, string(r.SSLEnabled), c.paint(color, outcome), expires, r.Reason)
	}
	drawn := t.Render(c.width())
	fmt.Fprintln(w, drawn)
	for _, r := range results {
		if len(results) <= mostInFull || r.ExitCode() != 0 {
			tellCut(w, drawn, r.InstanceID, r.Reason)
		}
	}
	for _, r := range results {
		known := r.CA != nil && r.CA.Compared() && !r.CA.Changed
		if r.Outcome == handler.Verified && r.SSLEnabled == handler.Update && r.CertDownloadURL != "" && !known {
			fmt.Fprintln(w, "\nClients that pin the CA must fetch its chain again. tairssl ca INSTANCE writes the chain to a file.")
			break
		}
	}
	return worst(results)
}
