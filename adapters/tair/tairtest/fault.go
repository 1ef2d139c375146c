package tairtest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault makes calls of an action fail, once they have passed authentication
// and quota: the next Times calls, or each call with the probability Share
// until that is cleared. What comes by Times comes first. Its kinds are
//
//   - throttle: 400 Throttling.User, nothing changes
//   - server_error: 500 InternalError, nothing changes
//   - server_error_after: 500 InternalError, but the call takes effect
//   - cut_before: the connection is cut, nothing changes
//   - cut_after: the connection is cut, but the call takes effect
//   - slow: the call takes effect, the answer comes after 30 s
//   - malformed: the call takes effect, 200 with half an answer
//   - huge: the call takes effect, 200 with 64 MiB of JSON
type Fault struct {
	Action string // "" and "*" are any
	Kind   string
	Times  int     // how many calls; without Share, 0 clears the action's faults, of this kind if one is given
	Share  float64 `json:",omitempty"` // above 0, to 1; without Times
}

// faultKinds are the kinds of faults and whether the call takes effect first.
var faultKinds = map[string]bool{
	"throttle":           false, // 400 Throttling.User
	"server_error":       false, // 500 InternalError
	"server_error_after": true,
	"cut_before":         false, // the connection is cut
	"cut_after":          true,
	"slow":               true, // the answer comes after 30 s
	"malformed":          true, // 200 with half an answer
	"huge":               true, // 200 with 64 MB
}

const (
	slowness = 30 * time.Second
	hugeness = 64 << 20
)

// Fault orders a fault. Several that count calls happen one after the other.
// Those by a share never strike one call together, so an action's shares must
// not add up to more than 1. Another share of the same kind replaces the first.
func (e *Emulator) Fault(f Fault) error {
	if f.Action == "" {
		f.Action = "*"
	}
	if err := f.check(); err != nil {
		return err
	}
	same := func(old Fault) bool { return old.Action == f.Action && (f.Kind == "" || old.Kind == f.Kind) }
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case f.Share > 0:
		others := slices.DeleteFunc(slices.Clone(e.faults), func(old Fault) bool { return old.Share > 0 && same(old) })
		faults := append(others, f)
		for _, action := range slices.Sorted(maps.Keys(actions)) {
			if sum := sharesOf(faults, action); sum > 1+1e-9 { // as floats add up
				return fmt.Errorf("the Shares of %s would add up to %.4g; they take 1 at most", action, sum)
			}
		}
		e.faults = faults
	case f.Times > 0:
		e.faults = append(e.faults, f)
	default:
		e.faults = slices.DeleteFunc(e.faults, same)
	}
	return nil
}

// check says what is wrong with a fault.
func (f Fault) check() error {
	if err := known(f.Action); err != nil {
		return err
	}
	if _, ok := faultKinds[f.Kind]; !ok && (f.Kind != "" || f.Times != 0 || f.Share != 0) {
		return fmt.Errorf("the Kind %q is none of %s", f.Kind, strings.Join(slices.Sorted(maps.Keys(faultKinds)), ", "))
	}
	switch {
	case f.Times < 0:
		return fmt.Errorf("the field Times is %d; it takes 0, to clear, or more", f.Times)
	case !(f.Share >= 0 && f.Share <= 1): // not a number, too
		return fmt.Errorf("the field Share is %g; it takes 0 to 1", f.Share)
	case f.Times > 0 && f.Share > 0:
		return errors.New("the fields Times and Share exclude each other")
	}
	return nil
}

// known says what is wrong with the name of an action, which may be "*".
func known(action string) error {
	if _, ok := actions[action]; !ok && action != "*" {
		return fmt.Errorf("the Action %q is none of %s", action, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	return nil
}

// strikes reports whether a fault is one of an action.
func (f Fault) strikes(action string) bool { return f.Action == action || f.Action == "*" }

// sharesOf adds up the shares of an action.
func sharesOf(faults []Fault, action string) (sum float64) {
	for _, f := range faults {
		if f.strikes(action) {
			sum += f.Share
		}
	}
	return sum
}

// nextFault takes the kind of fault that a call has to suffer, if any.
func (e *Emulator) nextFault(action string) (kind string) {
	for n := range e.faults {
		f := &e.faults[n]
		if f.Times == 0 || !f.strikes(action) {
			continue
		}
		kind = f.Kind
		if f.Times--; f.Times == 0 {
			e.faults = slices.Delete(e.faults, n, n+1)
		}
		return kind
	}
	if sharesOf(e.faults, action) == 0 {
		return ""
	}
	at := e.chance.Float64()
	for _, f := range e.faults {
		if f.Times == 0 && f.strikes(action) {
			if at -= f.Share; at < 0 {
				return f.Kind
			}
		}
	}
	return ""
}

// suffer answers by a fault; it reports whether the answer is given with it.
func (e *Emulator) suffer(w http.ResponseWriter, r *http.Request, kind string) (answered bool) {
	switch kind {
	case "throttle":
		refuse(w, r, throttled)
	case "server_error", "server_error_after":
		refuse(w, r, &refusal{http.StatusInternalServerError, "InternalError", "The request processing has failed due to some unknown error."})
	case "cut_before", "cut_after":
		cut(w, r)
	case "slow":
		return !e.pause(w, r, slowness)
	case "malformed":
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(`{"RequestId":"` + requestID() + `","InstanceId":"r-`))
	case "huge":
		w.Header().Set("Content-Type", contentType)
		chunk := []byte(strings.Repeat("x", 1<<20))
		_, err := w.Write([]byte(`{"RequestId":"`))
		for n := 0; n < hugeness && err == nil; n += len(chunk) {
			_, err = w.Write(chunk)
		}
		if err == nil {
			_, _ = w.Write([]byte(`"}`))
		}
	default:
		return false
	}
	return true
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2 or a recorder, which this package's own listeners are not
		refuse(w, r, &refusal{http.StatusInternalServerError, "InternalError", "This connection cannot be cut."})
		return
	}
	_ = conn.Close()
}
