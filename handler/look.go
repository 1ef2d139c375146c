package handler

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// longestLook is the greatest duration of a look that can judge the age of a flag.
	longestLook = time.Minute
	maxLooks    = 3
)

// look is an observation with the time at which it began.
type look struct {
	Observation
	// present is the API's clock when the look began, or a little earlier. It is the
	// clock in the answer minus the whole time that the answer took.
	present time.Time
	// machine is this machine's clock at that time.
	machine time.Time
}

// ahead is how far this machine's clock is ahead of the API's.
func (l look) ahead() time.Duration { return l.machine.Sub(l.present) }

// look reads status, tags and certificate at once. A look that took more than a minute is
// repeated, because other writers may have raised flags meanwhile.
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
		return nil // the type of the instance, from the other call, may have no TLS
	})
	if err = group.Wait(); err != nil {
		return l, err
	}
	if l.Instance.At.IsZero() || errSSL == nil && l.SSL.At.IsZero() {
		return l, Errorf(Unavailable, "the API's answer has no header Date, so nothing was changed: a proxy on the way has to pass it on")
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

// begunAt is the API's clock when a call began, computed from its clock in the answer.
// The header Date has whole seconds, so fractions are ignored. The error is harmless,
// because the life of a flag has a margin of minutes.
func begunAt(answer, began time.Time) time.Time {
	return answer.Add(-time.Since(began).Truncate(time.Second))
}

// pace remembers how long recent calls took, so that no step begins without enough time
// to end.
type pace struct {
	mu   sync.Mutex
	slow time.Duration
}

// slowestCall is the longest time that a call is expected to take. A longer call had to
// wait for the rate or a quota, and the next call may not have to wait.
const slowestCall = 10 * time.Second

// saw records how long a call took, or several calls at the same time. After a slow call,
// each quick call lowers the expected time by a tenth.
func (p *pace) saw(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = max(min(took, slowestCall), p.slow*9/10)
}

// slowest is the time to reserve for a call.
func (p *pace) slowest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slow
}
