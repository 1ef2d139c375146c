package tairtest

import (
	"maps"
	"slices"
	"time"
)

// instance is an instance within an emulator. Emulator.mu guards its fields.
type instance struct {
	Instance
	pending []change
	past    []past // earlier states, oldest first, for stale reads
	plane   *plane
	ca      *authority        // signed the certificate
	shown   map[string]string // the tags that the API shows
	tagged  []tagging         // the changes of tags that are not visible yet, in the order of their calls
	tasks   []task            // tasks that Alibaba itself has scheduled

	changeTime time.Duration     // [Options].ChangeTime, for the changes by tasks
	signing    func() *authority // returns the authority that signs the changes by tasks
}

// change is a change that was accepted and is not finished.
type change struct {
	action      string
	shows, done time.Time // the instance is SSLModifying from shows to done
	ca          *authority
}

// state is the part of an instance that a stale read may show in an old version, together
// with the authority of the certificate.
type state struct {
	status, enabled, expires, name string
	ca                             *authority
}

// past is an earlier state and the time at which it ended.
type past struct {
	state
	until time.Time
}

const (
	// maxPast is the number of earlier states that an instance keeps. A change has two.
	maxPast = 20
	// maxChanges is the number of accepted changes that an instance lists.
	maxChanges = 10
)

// accept records a change that the API has accepted. Changes run one after the other, so a
// change becomes visible no earlier than the change before it. accept returns the time at
// which the change will be finished.
func (i *instance) accept(c change, now time.Time) (done time.Time) {
	if n := len(i.pending); n > 0 && c.shows.Before(i.pending[n-1].shows) {
		late := i.pending[n-1].shows.Sub(c.shows)
		c.shows, c.done = c.shows.Add(late), c.done.Add(late)
	}
	i.pending = append(i.pending, c)
	i.Restarts++
	i.Changes = last(append(i.Changes, now.UTC().Format(changeLayout)), maxChanges)
	return c.done
}

// last returns the last n elements of a list.
func last[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// settle brings the instance to its state at a time.
func (i *instance) settle(now time.Time) {
	i.settleTags(now)
	i.settleTasks(now)
	i.settleChanges(now)
}

// settleChanges carries out the accepted changes up to a time.
func (i *instance) settleChanges(now time.Time) {
	for len(i.pending) > 0 {
		c := i.pending[0]
		if now.Before(c.shows) {
			return
		}
		if i.InstanceStatus != "SSLModifying" {
			i.leave(c.shows)
			i.InstanceStatus = "SSLModifying"
		}
		if now.Before(c.done) {
			return
		}
		i.pending = i.pending[1:]
		i.leave(c.done)
		i.carryOut(c)
	}
}

// carryOut finishes a change, with its restart.
func (i *instance) carryOut(c change) {
	switch {
	case c.action == "Disable":
		i.SSLEnabled, i.SSLExpiredTime, i.CertCommonName = "Disable", "", ""
	case c.action == "Update" && i.SSLEnabled == "Disable":
		// It was accepted during the lag of a Disable, so there is nothing to renew.
	default:
		i.SSLEnabled, i.CertCommonName = "Enable", i.ConnectionDomain
		i.SSLExpiredTime = c.done.Add(validity).UTC().Format(timeLayout)
		i.ca = c.ca
	}
	i.InstanceStatus = "Normal"
	i.plane.drop()
}

// validity is the life of a new certificate.
const validity = 3 * 365 * 24 * time.Hour

func (i *instance) state() state {
	return state{i.InstanceStatus, i.SSLEnabled, i.SSLExpiredTime, i.CertCommonName, i.ca}
}

// leave records the state that ends at a time.
func (i *instance) leave(at time.Time) {
	i.past = last(append(i.past, past{i.state(), at}), maxPast)
}

// asOf returns the state at a time, or the oldest recorded state.
func (i *instance) asOf(at time.Time) state {
	for _, p := range i.past {
		if at.Before(p.until) {
			return p.state
		}
	}
	return i.state()
}

// seen returns the state of an instance that a call sees. The caller holds e.mu.
func (e *Emulator) seen(i *instance) state {
	if e.stale <= 0 || len(i.past) == 0 {
		return i.state()
	}
	return i.asOf(e.now().Add(-e.drawn(0, e.stale)))
}

// StaleReads makes DescribeInstanceSSL and every InstanceStatus show a state that is at
// most d old; 0 for the present state.
func (e *Emulator) StaleReads(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stale = max(d, 0)
}

func (i *instance) snapshot() Instance {
	s := i.Instance
	s.Tags = maps.Clone(s.Tags)
	for _, t := range i.tasks {
		s.ActiveOperationTasks = append(s.ActiveOperationTasks, t.Task)
	}
	s.Changes = slices.Clone(s.Changes)
	s.DataPlane = i.plane.addr()
	return s
}
