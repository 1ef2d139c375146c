package handler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	leaseTag = "tairssl-lease"
	// leaseTTL is how long a lease stands. It outlasts the time between a write
	// and the moment its effect shows, for which the API names no bound; minutes
	// were seen.
	leaseTTL = 15 * time.Minute
	// defaultLeasePause is how long a writer waits between tagging and looking
	// whether its tag still stands.
	defaultLeasePause = 2 * time.Second
	// shortestPause is the least that any writer in earnest waits: a hurried one
	// does. So a tag that was set within it after the look can not have come too
	// late, however long this writer itself waits.
	shortestPause = 500 * time.Millisecond
)

// lease says that somebody is about to make, or has made, a change whose
// effect does not show yet. It stands in a tag of the instance itself, where
// every other process and cloud sees it, as
// "Update/2026-12-01T00:00:00Z/2026-11-24T10:40:14Z/KQ3…": the change, the
// expiry it acts on (empty while disabled), when, and whose.
type lease struct {
	Action  Action
	Expires Time
	Time    Time
	Nonce   string
}

func newLease(r Request, o Observation, now time.Time) lease {
	return lease{r.SSLEnabled, At(o.Expires), At(now), rand.Text()}
}

// String is the tag's value, at most 80 characters.
func (l lease) String() string {
	return fmt.Sprintf("%s/%s/%s/%s", l.Action, l.Expires, l.Time, l.Nonce)
}

// parseLease reads a tag's value. What it can not read holds nothing: a
// stranger's value must not block an instance for ever.
func parseLease(value string) (l lease) {
	parts := strings.Split(value, "/")
	if len(parts) != 4 {
		return lease{}
	}
	expires, err1 := ParseTime(parts[1])
	at, err2 := ParseTime(parts[2])
	if err1 != nil || err2 != nil || at.IsZero() || parts[3] == "" {
		return lease{}
	}
	return lease{Action(parts[0]), expires, at, parts[3]}
}

// holds reports whether the lease keeps others from writing to an instance
// that looks like this: it is young, and what it acts on is still there, so
// that its effect has yet to show. A lease from the future, by a clock that
// goes wrong, holds no longer than one of now.
func (l lease) holds(o Observation, now time.Time) bool {
	return l.Nonce != "" && now.Sub(l.Time.Time).Abs() < leaseTTL && l.Expires.Equal(At(o.Expires).Time)
}

// ledger is the process's own memory of leases. It spares a warm process the
// trust in how fast tags become visible, and is all there is with LeaseNone.
type ledger struct {
	mu     sync.Mutex
	leases map[Ref]lease
}

func (g *ledger) put(ref Ref, l lease, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leases == nil {
		g.leases = map[Ref]lease{}
	}
	for ref, old := range g.leases {
		if now.Sub(old.Time.Time).Abs() >= leaseTTL {
			delete(g.leases, ref)
		}
	}
	g.leases[ref] = l
}

func (g *ledger) get(ref Ref) lease {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.leases[ref]
}

func (g *ledger) drop(ref Ref) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.leases, ref)
}

// standing is the lease that counts for an instance: the process's own if it
// holds, else that of the tag.
func (h *Handler) standing(ref Ref, o Observation, now time.Time) lease {
	if own := h.ledger.get(ref); own.holds(o, now) {
		return own
	}
	return parseLease(o.Tags[leaseTag])
}

// acquire takes the lease for a change that was decided on an observation
// begun at looked. It is Fischer's mutual exclusion with the tag as the shared
// register: who saw the register free writes its own nonce, waits longer than
// any other such writer may need for that, and goes on only if its nonce still
// stands. It returns the zero decision if the change may be made now.
func (h *Handler) acquire(ctx context.Context, ref Ref, r Request, o Observation, looked time.Time) decision {
	if h.LeaseNone {
		h.ledger.put(ref, newLease(r, o, h.Now()), h.Now())
		return decision{}
	}
	if time.Since(looked) > shortestPause/2 {
		// The look was slow, by a new connection most likely. Another one is not.
		looked = time.Now()
		again, err := h.look(ctx, ref)
		if err != nil {
			return decision{outcome: Failed, err: AsError(err)}
		}
		r.SSLExpiredTime = At(o.Expires)
		if d := decide(r, again, h.Policy, h.standing(ref, again, h.Now()), h.Now()); d.outcome != act {
			return d
		}
	}
	mine := newLease(r, o, h.Now())
	if err := h.api.Tag(ctx, ref, leaseTag, mine.String()); err != nil {
		return leaseFailure(err)
	}
	h.ledger.put(ref, mine, h.Now())
	if took := time.Since(looked); took > shortestPause {
		// Too slow: another may have taken the lease after our look, waited, and
		// written before our tag replaced its own. Ours stands for it now.
		return decision{outcome: InProgress, reason: fmt.Sprintf("taking the lease took %s, so another may be ahead; the next delivery or sweep looks again", took.Round(time.Millisecond))}
	}
	// From here to the look nobody knows whose lease the tag holds, so a
	// failure leaves it where it is: taking away another's would let a third
	// write a second time.
	if err := h.Sleep(ctx, h.pause(r)); err != nil {
		return decision{outcome: Failed, err: AsError(err)}
	}
	now, err := h.look(ctx, ref)
	if err != nil {
		return decision{outcome: Failed, err: AsError(err)}
	}
	if other := parseLease(now.Tags[leaseTag]); other.Nonce != mine.Nonce {
		h.ledger.drop(ref)
		if other.holds(now, h.Now()) {
			return decision{outcome: InProgress, reason: fmt.Sprintf("another process took the lease at %s and is making the change", other.Time), busy: other.Action != r.SSLEnabled}
		}
		// The tag does not show our nonce, nor anybody's: it may come later.
		return decision{outcome: InProgress, busy: true, reason: "the lease that was just set does not show in the instance's tags; try again, or raise TAIRSSL_LEASE_PAUSE"}
	}
	// The same question again, for exactly the certificate that was seen.
	r.SSLExpiredTime = At(o.Expires)
	d := decide(r, now, h.Policy, lease{}, h.Now())
	if d.outcome != act {
		h.release(ctx, ref)
	}
	return d
}

// leaseFailure turns a failed tagging into an answer: without the right to tag
// nothing is changed, and the fix is named.
func leaseFailure(err error) decision {
	e := AsError(err)
	if errors.Is(e, Forbidden) {
		return decision{outcome: Refused, err: e, reason: "the lease that keeps a change from being made twice can not be set: allow kvstore:TagResources and kvstore:UntagResources to this function's role, or set TAIRSSL_LEASE=none where no other process changes these instances"}
	}
	return decision{outcome: Failed, err: e}
}

// release gives back a lease that was just seen to be the own, where surely
// nothing was written. A failure is only logged: the lease ends by itself.
func (h *Handler) release(ctx context.Context, ref Ref) {
	h.ledger.drop(ref)
	if h.LeaseNone {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := h.api.Untag(ctx, ref, leaseTag); err != nil {
		h.Log.WarnContext(ctx, "lease not given back; it ends by itself", "instance", ref.InstanceID, "region", ref.RegionID, "within", leaseTTL.String(), "error", err)
	}
}

const releaseTimeout = 3 * time.Second
