package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tairssl/adapters/cli/tagprobe"
	"tairssl/handler"
)

const (
	// probeTag is the key of the tag that measures how soon reads show a new tag.
	probeTag = "tairssl-doctor"
	rounds   = 5 // how often it is written
	// cleanTimeout is the time limit for removing the tag, even after an interrupt.
	cleanTimeout = 5 * time.Second
)

// visibility measures how soon reads show a new tag. The lease relies on this
// time being shorter than TAIRSSL_LEASE_PAUSE.
func (x *examination) visibility(l look) (findings []Finding, tags tagged) {
	on := "TAIRSSL_LEASE_PAUSE"
	switch {
	case x.settings.Lease == "none":
		return []Finding{skip(Lease, on, "TAIRSSL_LEASE is none")}, tags
	case !x.TagProbe:
		return []Finding{skip(Lease, on, "not measured whether a new tag is visible within "+x.settings.LeasePause.String()+": run with --tag-probe --instance ID, which sets the tag "+probeTag+" and removes it again")}, tags
	case l.why != "":
		return []Finding{x.skipped(Lease, on, l.why)}, tags
	case errors.Is(l.err, handler.NotFound), x.subject.lost != nil:
		return []Finding{x.skipped(Lease, on, "there is no such instance")}, tags
	}
	tags.ref, tags.done = x.subject.Ref, true
	var took []time.Duration
	defer func() {
		if err := x.clean(); err != nil {
			findings = append(findings, warn(Lease, probeTag, "could not be removed from "+x.Instance+": "+handler.AsError(err).Message, "remove this tag by hand; it has no effect"))
		}
	}()
	for range rounds {
		d, err := tagprobe.Measure(x.ctx, x.client, x.subject.Ref, probeTag)
		if d == 0 && err != nil {
			tags.err = err
			tags.done = len(took) == 0 && x.over() == ""
			f := x.called(Lease, on, err)
			if denied(err) {
				f.Found, f.Fix = "the tag cannot be set: "+f.Found, x.grant("TagResources", x.subject.Ref)
			}
			return append(findings, f), tags
		}
		if err != nil {
			return append(findings, x.called(Lease, on, err)), tags
		}
		took = append(took, d)
	}
	return append(findings, x.judgeVisibility(on, took)), tags
}

// judgeVisibility compares the measured times with the pause.
func (x *examination) judgeVisibility(on string, took []time.Duration) Finding {
	worst := time.Duration(0)
	for _, d := range took {
		worst = max(worst, d)
	}
	pause := x.settings.LeasePause
	found := fmt.Sprintf("%s; a new tag of %s was visible within %s, the slowest of %d times", pause, x.Instance, max(worst.Round(time.Millisecond), time.Millisecond), len(took))
	fix := fmt.Sprintf("set TAIRSSL_LEASE_PAUSE=%s, in every deployment that changes these instances", tagprobe.LeasePause(worst))
	switch {
	case worst > pause:
		return fail(Lease, on, handler.Internal, found+": two writers could both change an instance", fix)
	case worst > pause/2:
		return warn(Lease, on, found+", more than half of the pause", fix)
	}
	return pass(Lease, on, "%s", found)
}

// clean removes the tag, even if the examination was interrupted.
func (x *examination) clean() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), cleanTimeout)
	defer cancel()
	return x.client.Untag(ctx, x.subject.Ref, probeTag)
}
