package rehearsal

import (
	"slices"
	"time"

	"tairssl/handler"
)

// End says how a rehearsal ended.
type End string

// The ends. Complete and Unseen mean that a change was watched.
const (
	Complete    End = "complete"    // everything was measured
	Unseen      End = "unseen"      // the change was not complete at the time limit
	NotChanged  End = "not_changed" // nothing was changed: Result or Error says why
	Interrupted End = "interrupted"
)

// Report is the result of a rehearsal.
type Report struct {
	InstanceID   string `json:"InstanceId"`
	RegionID     string `json:"RegionId"`
	InstanceName string
	Began        handler.Time
	Took         handler.Duration
	End          End
	Result       *handler.Result // of the change; nil if no change was tried
	Error        *handler.Error  `json:",omitempty"` // why no change was tried
	Sent         bool            // ModifyInstanceSSL was sent, or may have been sent
	Flag         string          `json:",omitempty"` // the lease's tag that is left on the instance

	Tags   *Spread // the times until a new tag was visible; nil if not measured
	Effect Effect
	// Connections is nil if the instance was not reachable; Unreached says why.
	Connections *Connections
	Unreached   string `json:",omitempty"`
	CA          *CA    // nil if the CA was not read; CAUnread says why
	CAUnread    string `json:",omitempty"`
	Calls       []CallStats
	Advice      []Advice
	Warnings    []string `json:",omitempty"`
	Timeline    []Mark
}

// ExitCode returns the exit code of a process that ends with this report.
func (r Report) ExitCode() int {
	switch {
	case r.End == Interrupted:
		return 130 // the shells' exit code for an interrupt
	case r.End == Unseen:
		return handler.Unavailable.ExitCode()
	case r.Error != nil:
		return r.Error.Kind.ExitCode()
	case r.End == NotChanged && r.Result != nil:
		return max(r.Result.ExitCode(), 1) // nothing was measured
	}
	return 0
}

// report makes the report from the record and the results of the steps.
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
