package exporter

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tairssl/handler"
)

// TLS is the state of an instance's encryption.
type TLS string

// The states of encryption.
const (
	On   TLS = "on"
	Off  TLS = "off"
	None TLS = "none" // this type of instance has no TLS
)

// Instance is what is known of one.
type Instance struct {
	handler.Ref
	Name          string
	Stopped       bool      // it does not run: it is not paid for, or was released
	TLS           TLS       // "" if that was never read
	Expires       time.Time // zero: there is no certificate
	Due           bool
	DeferredUntil time.Time // Due, but an unattended Update waits until then; zero if it does not
	Alert         bool      // it asks for a person's attention
	Seen          time.Time // when it was read last; zero: never
	// Unread says that the last look could not read it, so these are old values.
	Unread bool
}

// Failure is an instance that could not be read.
type Failure struct {
	handler.Ref
	Name string
	Kind handler.Kind
	Why  string // the same in words, for the log
}

// Region is how far a look at a region came.
type Region struct {
	ID     string
	Listed int          // instances, as the API counts them
	Kind   handler.Kind // why it was not listed whole; "" if it was
	Why    string       // the same in words, for the log
}

// Look is what one reading of the whole fleet came to.
type Look struct {
	Began     time.Time
	Took      time.Duration
	Regions   []Region
	Instances []Instance
	Failures  []Failure
}

// RegionState is what is known of a region.
type RegionState struct {
	Region
	Whole time.Time // when it was listed whole last; zero: never
}

// Fault is a kind of failure in a region.
type Fault struct {
	RegionID string
	Kind     handler.Kind
}

// State is what is known of the fleet. The zero value is that of a process that
// has not looked yet.
type State struct {
	Looks     int
	Took      time.Duration // of the last look
	Regions   []RegionState // sorted by id
	Instances []Instance    // sorted by region and id
	Errors    map[Fault]int // since the start
}

// After is what is known after a further look. It leaves s as it is.
func (s State) After(l Look) State {
	next := State{Looks: s.Looks + 1, Took: l.Took, Errors: maps.Clone(s.Errors)}
	if next.Errors == nil {
		next.Errors = map[Fault]int{}
	}
	for _, r := range l.Regions {
		if r.Kind != "" {
			next.Errors[Fault{r.ID, r.Kind}]++
		}
		next.Regions = append(next.Regions, s.region(r.ID).after(r, l.Began))
	}
	slices.SortFunc(next.Regions, func(a, b RegionState) int { return cmp.Compare(a.ID, b.ID) })

	all := l.complete()
	instances := map[handler.Ref]Instance{}
	for _, i := range s.Instances {
		if !all[i.RegionID] {
			i.Unread = true
			instances[i.Ref] = i
		}
	}
	for _, f := range l.Failures {
		if f.Kind == handler.NotFound { // it was released after it had been listed
			delete(instances, f.Ref)
			continue
		}
		next.Errors[Fault{f.RegionID, f.Kind}]++
		i := s.instance(f.Ref)
		i.Ref, i.Name, i.Unread = f.Ref, cmp.Or(f.Name, i.Name), true
		instances[f.Ref] = i
	}
	for _, i := range l.Instances {
		instances[i.Ref] = i
	}
	next.Instances = slices.SortedFunc(maps.Values(instances), func(a, b Instance) int { return compare(a.Ref, b.Ref) })
	return next
}

// complete are the regions of which every instance was met. A listing that
// shifts while it is read can leave one out, which is not gone for that.
func (l Look) complete() map[string]bool {
	met := map[string]int{}
	for _, i := range l.Instances {
		met[i.RegionID]++
	}
	for _, f := range l.Failures {
		met[f.RegionID]++
	}
	all := map[string]bool{}
	for _, r := range l.Regions {
		all[r.ID] = r.Kind == "" && met[r.ID] >= r.Listed
	}
	return all
}

// after is what is known of a region after a look that began at a time.
func (r RegionState) after(l Region, began time.Time) RegionState {
	next := RegionState{Region: l, Whole: r.Whole}
	switch {
	case l.Kind == "":
		next.Whole = began
	case l.Listed == 0: // not even the first page, which has the number
		next.Listed = r.Listed
	}
	return next
}

// region finds what is known of a region.
func (s State) region(id string) RegionState {
	for _, r := range s.Regions {
		if r.ID == id {
			return r
		}
	}
	return RegionState{}
}

// instance finds what is known of an instance.
func (s State) instance(ref handler.Ref) Instance {
	n, known := slices.BinarySearchFunc(s.Instances, ref, func(i Instance, ref handler.Ref) int { return compare(i.Ref, ref) })
	if !known {
		return Instance{}
	}
	return s.Instances[n]
}

func compare(a, b handler.Ref) int {
	return cmp.Or(cmp.Compare(a.RegionID, b.RegionID), cmp.Compare(a.InstanceID, b.InstanceID))
}
