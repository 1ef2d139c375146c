package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tairssl/handler"
)

// On lists the successes for which notices are sent: verified and accepted. The zero
// value is an empty list. Notices of other outcomes do not depend on it.
type On []handler.Outcome

// UnmarshalText reads a comma-separated list, or the word none.
func (o *On) UnmarshalText(text []byte) error {
	*o = nil
	var faults []string
	words := strings.Split(string(text), ",")
	for _, word := range words {
		switch outcome := handler.Outcome(strings.TrimSpace(word)); outcome {
		case handler.Verified, handler.Accepted:
			if !slices.Contains(*o, outcome) {
				*o = append(*o, outcome)
			}
		case handler.Failed, handler.Unknown, handler.Refused, handler.Deferred:
			faults = append(faults, fmt.Sprintf("notices of %s are always sent: remove the word", outcome))
		case handler.Unchanged, handler.Planned, handler.InProgress:
			faults = append(faults, fmt.Sprintf("notices of %s are never sent: remove the word", outcome))
		case "":
		case "none":
			if len(words) > 1 {
				faults = append(faults, "none must be the only word")
			}
		default:
			faults = append(faults, fmt.Sprintf("%q is not one of verified, accepted, none", handler.Clip(string(outcome))))
		}
	}
	if faults != nil {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// markOf gives the mark that remembers a notice, and the class of the notice. The mark is
// "" if no notice is needed. Failures of different kinds have different
// marks.
func markOf(n Note, on On) (mark string, c class) {
	switch {
	case n.Outcome == handler.Failed:
		return kindMark(n.kind()), failed
	case n.Outcome == handler.Unknown:
		return "unknown", lost
	case n.optedOut():
		return offMark, refused
	case n.Alert && n.changed():
		return "done", attention // the notices before the change do not matter any more
	case n.Alert:
		return "alert", attention
	case n.ApprovedBy != "":
		return "approved", approved
	case n.Outcome == handler.Refused && n.Automatic:
		return "refused", refused
	case n.Outcome == handler.Deferred:
		return "deferred", deferred
	case n.Outcome == handler.Verified && slices.Contains(on, n.Outcome):
		return "done", verified
	case n.Outcome == handler.Accepted && slices.Contains(on, n.Outcome):
		return "done", accepted
	}
	return "", reminder
}

// isMark reports whether a word is one of the marks.
func isMark(word string) bool {
	switch word {
	case "unknown", "alert", "refused", "deferred", "done", offMark:
		return true
	}
	for _, kind := range handler.Kinds() {
		if kindMark(kind) == word {
			return true
		}
	}
	return false
}

// offMark remembers the notice that an instance is due and opted out.
const offMark = "off"

// optedOut reports whether an automatic change was refused because of the owner's tag.
func (n Note) optedOut() bool {
	return n.Automatic && n.Outcome == handler.Refused && handler.Instance{Tags: n.Tags}.Off()
}

// kindMark shortens a kind, so that all marks of a certificate fit into a tag.
func kindMark(k handler.Kind) string { return string(k)[:4] }

// kind is the kind of the failure.
func (n Note) kind() handler.Kind {
	if n.Error != nil && slices.Contains(handler.Kinds(), n.Error.Kind) {
		return n.Error.Kind
	}
	return handler.Internal
}

// expires is the expiry of the certificate that was to be renewed. The notice is
// remembered together with it. Enable, Disable and approvals are a person's own wish, so
// they are reported each time.
func (n Note) expires() handler.Time {
	if n.Before == nil || n.SSLEnabled != handler.Update || n.ApprovedBy != "" {
		return handler.Time{}
	}
	return n.Before.SSLExpiredTime
}

// unmet reports whether the certificate is due and nobody is renewing it.
func (n Note) unmet() bool {
	switch n.Outcome {
	case handler.Deferred, handler.Refused, handler.Unknown, handler.Failed:
		return n.Automatic
	}
	return n.Automatic && n.Outcome == handler.InProgress && n.Busy
}

// message decides whether to send a notice. It returns the words of the notice, and the
// memory of the notices about this certificate. It has no effects, so that a table can
// test it.
func message(n Note, on On, before told, now time.Time) (l line, after told, ok bool) {
	mark, c := markOf(n, on)
	expires := n.expires()
	if expires.IsZero() { // without a certificate there is nothing to remember
		return words(n, c, now), told{}, mark != ""
	}
	left := expires.Sub(now)
	before = before.of(expires)
	switch {
	case mark == offMark && before.has(mark) && now.Sub(before.at).Abs() < offPause:
		return line{}, told{}, false
	case mark == offMark, mark != "" && !before.has(mark):
	case n.unmet() && stage(left) > before.stage:
		c = reminder // the reason was told before, but less time is left now
	case (c == failed || c == lost) && n.unmet() && left <= nagBefore && now.Sub(before.at).Abs() >= nagPause:
	default:
		return line{}, told{}, false
	}
	return words(n, c, now), before.with(mark, stage(left), now), true
}
