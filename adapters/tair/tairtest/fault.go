package tairtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault makes the next Times calls of an action fail, once they have passed
// authentication. Its kinds are
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
	Times  int // 0 clears the action's faults, of this kind if one is given
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

// Fault orders a fault; several of one action happen one after the other.
func (e *Emulator) Fault(f Fault) error {
	if f.Action == "" {
		f.Action = "*"
	}
	if _, ok := actions[f.Action]; !ok && f.Action != "*" {
		return fmt.Errorf("the Action %q is none of %s", f.Action, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	if _, ok := faultKinds[f.Kind]; !ok && (f.Kind != "" || f.Times != 0) {
		return fmt.Errorf("the Kind %q is none of %s", f.Kind, strings.Join(slices.Sorted(maps.Keys(faultKinds)), ", "))
	}
	if f.Times < 0 {
		return fmt.Errorf("the field Times is %d; it takes 0, to clear, or more", f.Times)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.Times == 0 {
		e.faults = slices.DeleteFunc(e.faults, func(old Fault) bool {
			return old.Action == f.Action && (f.Kind == "" || old.Kind == f.Kind)
		})
		return nil
	}
	e.faults = append(e.faults, f)
	return nil
}

// nextFault takes the kind of fault that a call has to suffer, if any.
func (e *Emulator) nextFault(action string) (kind string) {
	for n := range e.faults {
		f := &e.faults[n]
		if f.Action != action && f.Action != "*" {
			continue
		}
		kind = f.Kind
		if f.Times--; f.Times == 0 {
			e.faults = slices.Delete(e.faults, n, n+1)
		}
		return kind
	}
	return ""
}

// suffer answers by a fault; it reports whether the answer is given with it.
func (e *Emulator) suffer(w http.ResponseWriter, r *http.Request, kind string) (answered bool) {
	switch kind {
	case "throttle":
		refuse(w, r, &refusal{http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control."})
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
