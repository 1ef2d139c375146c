package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"tairssl/handler"
)

const (
	// probeTag is the tag that is written to see how soon it shows.
	probeTag = "tairssl-doctor"
	rounds   = 5
	// poll is how often is looked, patience for how long.
	poll, patience = 20 * time.Millisecond, 20 * time.Second
	// shows is in how many readings after each other a tag has to be: one server
	// may know it before the next.
	shows = 3
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
		d, err := x.measure()
		if d == 0 && err != nil {
			tags.err = err
			tags.done = len(took) == 0 && x.over() == ""
			f := x.called(Lease, on, err)
			if denied(err) {
				f.Found, f.Fix = "the tag can not be set: "+f.Found, x.grant("TagResources", x.subject.Ref)
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

// measure sets the tag and reads until it shows. The error is of the setting
// if the time is zero.
func (x *examination) measure() (time.Duration, error) {
	value := rand.Text()
	if err := x.client.Tag(x.ctx, x.subject.Ref, probeTag, value); err != nil {
		return 0, err
	}
	set, first, seen := time.Now(), time.Time{}, 0
	for time.Since(set) < patience {
		began := time.Now()
		i, err := x.client.Instance(x.ctx, x.subject.Ref)
		switch {
		case err != nil:
			return time.Since(set), err
		case i.Tags[probeTag] != value:
			seen = 0
		case seen == 0:
			seen, first = 1, began
		default:
			seen++
		}
		if seen == shows {
			return max(first.Sub(set), time.Nanosecond), nil
		}
		if err := x.fleet.Sleep(x.ctx, poll); err != nil {
			return time.Since(set), err
		}
	}
	return time.Since(set), handler.Errorf(handler.Unavailable, "a tag that was set did not show within %s", patience)
}

// judgeVisibility compares what was measured with the pause.
func (x *examination) judgeVisibility(on string, took []time.Duration) Finding {
	worst := time.Duration(0)
	for _, d := range took {
		worst = max(worst, d)
	}
	pause := x.settings.LeasePause
	found := fmt.Sprintf("%s; a tag of %s showed within %s, the slowest of %d times", pause, x.Instance, max(worst.Round(time.Millisecond), time.Millisecond), len(took))
	longer := min(max(2*worst.Round(500*time.Millisecond)+500*time.Millisecond, 2*time.Second), time.Minute)
	fix := fmt.Sprintf("set TAIRSSL_LEASE_PAUSE=%s, in every deployment that changes these instances", longer)
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
