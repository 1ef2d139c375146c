package handler

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// longestLook is how long a look may take and still tell ages.
	longestLook = time.Minute
	maxLooks    = 3
)

// look is an observation with the moment at which it was begun.
type look struct {
	Observation
	// present is the API's clock when the look was begun, or earlier: the clock
	// of the answer less all the time that the answer took.
	present time.Time
	// machine is this machine's clock at that moment.
	machine time.Time
}

// ahead is how far this machine's clock is ahead of the API's.
func (l look) ahead() time.Duration { return l.machine.Sub(l.present) }

// look reads the two halves of an observation at once. A look that took more
// than a minute is repeated, because flags may have been raised meanwhile.
func (h *Handler) look(ctx context.Context, ref Ref) (l look, err error) {
	for range maxLooks {
		began := time.Now()
		l, err = h.lookOnce(ctx, ref, began)
		took := time.Since(began)
		if err != nil {
			return l, err
		}
		h.pace.saw(took)
		if took <= longestLook {
			return l, nil
		}
	}
	return l, Errorf(Unavailable, "reading the instance took more than %s each time, so nothing was changed; try again", longestLook)
}

func (h *Handler) lookOnce(ctx context.Context, ref Ref, began time.Time) (l look, err error) {
	l.machine = h.Now()
	var presentOfInstance, presentOfSSL time.Time
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return Guarded(func() (err error) {
			l.Instance, err = h.api.Instance(ctx, ref)
			presentOfInstance = begunAt(l.Instance.At, began)
			return err
		})
	})
	var errSSL error
	group.Go(func() error {
		errSSL = Guarded(func() (err error) {
			l.SSL, err = h.api.SSL(ctx, ref)
			presentOfSSL = begunAt(l.SSL.At, began)
			return err
		})
		return nil // the other half says whether there is encryption at all
	})
	if err = group.Wait(); err != nil {
		return l, err
	}
	if l.Instance.At.IsZero() || errSSL == nil && l.SSL.At.IsZero() {
		return l, Errorf(Unavailable, "the API's answer has no time, so nothing was changed: a proxy on the way must pass the header Date on")
	}
	l.present = presentOfInstance
	switch {
	case l.Type == memcache:
		l.SSL = SSL{NoTLS: true}
	case errSSL != nil:
		return l, errSSL
	case presentOfSSL.Before(l.present):
		l.present = presentOfSSL
	}
	return l, nil
}

// begunAt is the API's clock when a call was begun, by its clock in the answer.
// The header Date has whole seconds, so less is not reckoned with; the life of a
// flag has a margin of minutes.
func begunAt(answer, began time.Time) time.Time {
	return answer.Add(-time.Since(began).Truncate(time.Second))
}

// pace remembers how long calls took lately, so that nothing is begun without
// the time to end it.
type pace struct {
	mu   sync.Mutex
	slow time.Duration
}

// slowestCall is the longest that a call is expected to take. What takes longer
// has waited for its turn within a rate or a quota, which says nothing of the
// next call.
const slowestCall = 10 * time.Second

// saw notes how long a call, or some at once, took. A slow call counts less with
// each quick one after it.
func (p *pace) saw(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = max(min(took, slowestCall), p.slow*9/10)
}

// slowest is how long a call may take.
func (p *pace) slowest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slow
}
