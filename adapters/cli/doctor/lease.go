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
	// probeTag is the tag that is written to see how soon it shows.
	probeTag = "tairssl-doctor"
	rounds   = 5
	// cleanTimeout is for removing the tag, also after an interrupt.
	cleanTimeout = 5 * time.Second
)

// visibility measures how soon a tag that was written shows to a reader, which
// the lease takes to be within TAIRSSL_LEASE_PAUSE.
func (x *examination) visibility(l look) (findings []Finding, tags tagged) {
	on := "TAIRSSL_LEASE_PAUSE"
	switch {
	case x.settings.Lease == "none":
		return []Finding{skip(Lease, on, "TAIRSSL_LEASE is none")}, tags
	case !x.TagProbe:
		return []Finding{skip(Lease, on, "whether a tag shows within "+x.settings.LeasePause.String()+" takes writing one: say --tag-probe --instance ID, which sets "+probeTag+" and removes it again")}, tags
	case l.why != "":
		return []Finding{x.skipped(Lease, on, l.why)}, tags
	case errors.Is(l.err, handler.NotFound), x.subject.lost != nil:
		return []Finding{x.skipped(Lease, on, "there is no such instance")}, tags
	}
	tags.ref, tags.done = x.subject.Ref, true
	var took []time.Duration
	defer func() {
		if err := x.clean(); err != nil {
			findings = append(findings, warn(Lease, probeTag, "could not be removed from "+x.Instance+": "+handler.AsError(err).Message, "remove it by hand; it does nothing"))
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

// judgeVisibility compares what was measured with the pause.
func (x *examination) judgeVisibility(on string, took []time.Duration) Finding {
	worst := time.Duration(0)
	for _, d := range took {
		worst = max(worst, d)
	}
	pause := x.settings.LeasePause
	found := fmt.Sprintf("%s; a tag of %s showed within %s, the slowest of %d times", pause, x.Instance, max(worst.Round(time.Millisecond), time.Millisecond), len(took))
	fix := fmt.Sprintf("set TAIRSSL_LEASE_PAUSE=%s, in every deployment that changes these instances", tagprobe.LeasePause(worst))
	switch {
	case worst > pause:
		return fail(Lease, on, handler.Internal, found+": two writers might both go on", fix)
	case worst > pause/2:
		return warn(Lease, on, found+", which leaves little to spare", fix)
	}
	return pass(Lease, on, "%s", found)
}

// clean removes the tag, whatever has happened to the examination.
func (x *examination) clean() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), cleanTimeout)
	defer cancel()
	return x.client.Untag(ctx, x.subject.Ref, probeTag)
}
