package rehearsal

import (
	"slices"
	"time"

	"tairssl/handler"
)

// End is how a rehearsal ended.
type End string

// The ends. Only of Complete and Unseen there was a change to watch.
const (
	Complete    End = "complete"    // all was seen
	Unseen      End = "unseen"      // the change was not complete when the time was up
	NotChanged  End = "not_changed" // nothing was changed: Result or Error says why
	Interrupted End = "interrupted"
)

// Report is what a rehearsal came to.
type Report struct {
	InstanceID   string `json:"InstanceId"`
	RegionID     string `json:"RegionId"`
	InstanceName string
	Began        handler.Time
	Took         handler.Duration
	End          End
	Result       *handler.Result // of the change; nil if it was not tried
	Error        *handler.Error  `json:",omitempty"` // why it was not
	Sent         bool            // ModifyInstanceSSL was, or may have been
	Flag         string          `json:",omitempty"` // the tag that is left on the instance

	Tags   *Spread // how soon a tag shows; nil if that was not measured
	Effect Effect
	// Connections is nil if the instance could not be reached; Unreached says why.
	Connections *Connections
	Unreached   string `json:",omitempty"`
	CA          *CA    // nil if it was not read; CAUnread says why
	CAUnread    string `json:",omitempty"`
	Calls       []CallStats
	Advice      []Advice
	Warnings    []string `json:",omitempty"`
	Timeline    []Mark
}

// ExitCode is that of a process that ends with this report.
func (r Report) ExitCode() int {
	switch {
	case r.End == Interrupted:
		return 130 // as shells have it
	case r.End == Unseen:
		return handler.Unavailable.ExitCode()
	case r.Error != nil:
		return r.Error.Kind.ExitCode()
	case r.End == NotChanged && r.Result != nil:
		return max(r.Result.ExitCode(), 1) // there was nothing to measure
	}
	return 0
}

// report draws the conclusions from what was recorded.
func (o Options) report(r Record, t told) Report {
	report := Report{
		InstanceID: o.Ref.InstanceID, RegionID: o.Ref.RegionID, InstanceName: o.Before.Name,
		Began: handler.At(r.Began), Took: rounded(time.Since(r.Began)), End: t.end, Result: t.result, Error: t.err, Sent: r.sent(), Flag: r.Flag,
		Effect: r.Effect(o.Before.Expires), Unreached: t.unreached, CA: t.ca, CAUnread: t.caUnread,
		Calls: r.CallStats(), Timeline: r.Marks,
	}
	if len(r.Tags) > 0 {
		s := spread(r.Tags)
		report.Tags = &s
	}
	if t.unreached == "" && r.sent() {
		c := r.Connections(o.PingEvery)
		report.Connections = &c
	}
	present := Present{LeasePause: o.Settings.LeasePause, Wait: o.Settings.Wait}
	if o.Settings.LeaseNone {
		present.LeasePause = 0
	}
	report.Advice, report.Warnings = Advise(report, present), slices.Concat(Warn(report, present), t.warnings)
	return report
}
