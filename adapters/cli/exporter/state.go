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

// Instance is the known state of one instance.
type Instance struct {
	handler.Ref
	Name          string
	Stopped       bool      // it does not run, because it is unpaid or released
	TLS           TLS       // "" if it was never read
	Expires       time.Time // zero if there is no certificate
	Due           bool
	DeferredUntil time.Time // a due unattended Update waits until then; zero if it does not wait
	Alert         bool      // a person has to act
	Seen          time.Time // when it was last read; zero if never
	Unread        bool      // the last look could not read it, so the values are old
}

// Failure is an instance that could not be read.
type Failure struct {
	handler.Ref
	Name string
	Kind handler.Kind
	Why  string // the error in words, for the log
}

// Region is the result of listing one region.
type Region struct {
	ID     string
	Listed int          // the number of instances, as counted by the API
	Kind   handler.Kind // of the error; "" if the region was listed completely
	Why    string       // the error in words, for the log
}

// Look is the result of reading the whole fleet once.
type Look struct {
	Began     time.Time
	Took      time.Duration
	Regions   []Region
	Instances []Instance
	Failures  []Failure
}

// RegionState is the known state of a region.
type RegionState struct {
	Region
	Whole time.Time // when it was last listed completely; zero if never
}

// Fault is a kind of error in a region.
type Fault struct {
	RegionID string
	Kind     handler.Kind
}

// State is the known state of the fleet. The zero value is the state before the first
// look.
type State struct {
	Looks     int
	Took      time.Duration // of the last look
	Regions   []RegionState // sorted by id
	Instances []Instance    // sorted by region and id
	Errors    map[Fault]int // since the start
}

// After returns the state after one more look. It does not change s.
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
		if f.Kind == handler.NotFound { // it was released after the listing
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

// complete returns the regions in which the look met as many instances as the API
// counts. A listing that shifts between two pages can leave out an instance that
// still exists.
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

// after returns the state of a region after a look that started at began.
func (r RegionState) after(l Region, began time.Time) RegionState {
	next := RegionState{Region: l, Whole: r.Whole}
	switch {
	case l.Kind == "":
		next.Whole = began
	case l.Listed == 0: // even the first page failed, and it has the number
		next.Listed = r.Listed
	}
	return next
}

// region returns the known state of a region.
func (s State) region(id string) RegionState {
	for _, r := range s.Regions {
		if r.ID == id {
			return r
		}
	}
	return RegionState{}
}

// instance returns the known state of an instance.
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
