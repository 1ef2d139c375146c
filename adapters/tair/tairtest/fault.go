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

// Fault makes calls of an action fail after they have passed authentication and quota. It
// hits the next Times calls, or each call with the probability Share until the fault is
// cleared. Faults with Times come before faults with Share. The kinds are
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
	Action string // "" and "*" mean any action
	Kind   string
	Times  int     // number of calls; 0 without Share clears the faults of the action, only those of Kind if Kind is set
	Share  float64 `json:",omitempty"` // above 0, up to 1; only without Times
}

// faultKinds says for each kind whether the call takes effect.
var faultKinds = map[string]bool{
	"throttle":           false,
	"server_error":       false,
	"server_error_after": true,
	"cut_before":         false,
	"cut_after":          true,
	"slow":               true,
	"malformed":          true,
	"huge":               true,
}

const (
	slowness = 30 * time.Second
	hugeness = 64 << 20
)

// Fault adds a fault. Faults with Times happen one after the other. A call gets at most
// one fault with a Share, so the shares of an action must not add up to more than 1. A
// share replaces an earlier share of the same action and kind.
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
			if sum := sharesOf(faults, action); sum > 1+1e-9 { // allows for rounding
				return fmt.Errorf("the Shares of %s would add up to %.4g; the limit is 1", action, sum)
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

// check returns what is wrong with a fault.
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
	case !(f.Share >= 0 && f.Share <= 1): // true for NaN as well
		return fmt.Errorf("the field Share is %g; it takes 0 to 1", f.Share)
	case f.Times > 0 && f.Share > 0:
		return errors.New("the fields Times and Share exclude each other")
	}
	return nil
}

// known checks the name of an action, which may be "*".
func known(action string) error {
	if _, ok := actions[action]; !ok && action != "*" {
		return fmt.Errorf("the Action %q is none of %s", action, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	return nil
}

// strikes reports whether a fault applies to an action.
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

// nextFault returns the kind of fault for a call, or "". It uses up a fault with Times.
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

// suffer answers a call as a kind of fault demands. It reports whether it has answered.
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
	if err != nil { // HTTP/2 or a recorder; this package's own listeners use neither
		refuse(w, r, &refusal{http.StatusInternalServerError, "InternalError", "This connection cannot be cut."})
		return
	}
	_ = conn.Close()
}
