package tairtest

import (
	"maps"
	"slices"
	"time"
)

// instance is one held by an emulator; its fields belong to e.mu.
type instance struct {
	Instance
	pending []change
	past    []past // its last states, oldest first, for stale reads
	plane   *plane
	ca      *authority        // of its certificate
	shown   map[string]string // the tags as the API shows them
	tagged  []tagging         // those that have yet to show, in the order of their calls
	tasks   []task            // what Alibaba itself has scheduled

	changeTime time.Duration     // [Options].ChangeTime, for what the tasks change
	signing    func() *authority // who signs what the tasks change
}

// change is one that was accepted and has yet to come true.
type change struct {
	action      string
	shows, done time.Time // SSLModifying from shows to done
	ca          *authority
}

// state is what a stale read may show otherwise than it is, and what is served.
type state struct {
	status, enabled, expires, name string
	ca                             *authority
}

// past is a state that an instance was in until a moment.
type past struct {
	state
	until time.Time
}

const (
	// maxPast is how many states are remembered, two for each change.
	maxPast = 20
	// maxChanges is how many accepted changes an instance tells of.
	maxChanges = 10
)

// accept notes a change that the API has accepted. Changes are carried out one
// after the other: one shows no earlier than the one before it. It gives the time
// at which the change will have come true.
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

// last are the last n of a list.
func last[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// settle brings the instance to the state of now.
func (i *instance) settle(now time.Time) {
	i.settleTags(now)
	i.settleTasks(now)
	i.settleChanges(now)
}

// settleChanges carries out what was accepted, as far as it has come by a moment.
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

// carryOut makes a change come true, with its restart.
func (i *instance) carryOut(c change) {
	switch {
	case c.action == "Disable":
		i.SSLEnabled, i.SSLExpiredTime, i.CertCommonName = "Disable", "", ""
	case c.action == "Update" && i.SSLEnabled == "Disable":
		// Accepted in the lag of a Disable: there is nothing left to renew.
	default:
		i.SSLEnabled, i.CertCommonName = "Enable", i.ConnectionDomain
		i.SSLExpiredTime = c.done.Add(validity).UTC().Format(timeLayout)
		i.ca = c.ca
	}
	i.InstanceStatus = "Normal"
	i.plane.drop()
}

// validity is how long a new certificate is good for.
const validity = 3 * 365 * 24 * time.Hour

func (i *instance) state() state {
	return state{i.InstanceStatus, i.SSLEnabled, i.SSLExpiredTime, i.CertCommonName, i.ca}
}

// leave remembers the state that ends at a moment.
func (i *instance) leave(at time.Time) {
	i.past = last(append(i.past, past{i.state(), at}), maxPast)
}

// asOf is the state of a moment, or the oldest that is remembered.
func (i *instance) asOf(at time.Time) state {
	for _, p := range i.past {
		if at.Before(p.until) {
			return p.state
		}
	}
	return i.state()
}

// seen is the state of an instance as a call may see it; e.mu is held.
func (e *Emulator) seen(i *instance) state {
	if e.stale <= 0 || len(i.past) == 0 {
		return i.state()
	}
	return i.asOf(e.now().Add(-e.drawn(0, e.stale)))
}

// StaleReads lets DescribeInstanceSSL and every InstanceStatus be served as
// they were up to that long ago; 0 serves them as they are.
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
