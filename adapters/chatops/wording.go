package chatops

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

func text(lines ...string) Reply { return Reply{Lines: lines} }

// sentence gives a text a capital letter and a full stop.
func sentence(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if s == "" {
		return s
	}
	s = string(unicode.ToUpper(r)) + s[size:]
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") && !strings.HasSuffix(s, "”") {
		s += "."
	}
	return s
}

// when says a certificate's expiry.
func when(t handler.Time, now time.Time) string {
	switch left := t.Sub(now); {
	case t.IsZero():
		return "none"
	case left <= 0:
		return fmt.Sprintf("%s (expired %s ago)", t.Format(time.DateOnly), handler.Span(-left))
	default:
		return fmt.Sprintf("%s (in %s)", t.Format(time.DateOnly), handler.Span(left))
	}
}

// happens says what a change is, to somebody who has to decide on it.
var happens = map[string][]string{
	"update":  {"Its certificate is renewed.", "The instance restarts: connections drop for some seconds.", "Clients that pin the CA must fetch its chain again."},
	"enable":  {"Encryption is switched on.", "The instance restarts: connections drop for some seconds."},
	"disable": {"Encryption is switched OFF: data goes in the clear.", "On legacy instances it can never be switched on again.", "The instance restarts: connections drop for some seconds."},
}

// announce says a plan in plain words.
func announce(verb string, r handler.Result, now time.Time) []string {
	lines := []string{fmt.Sprintf("%s %s (%s)", verb, r.InstanceID, r.RegionID)}
	lines = append(lines, happens[verb]...)
	if r.Before != nil && !r.Before.SSLExpiredTime.IsZero() {
		lines = append(lines, "Certificate expires now: "+when(r.Before.SSLExpiredTime, now))
	}
	return append(lines, "Why: "+sentence(r.Reason))
}

// words for each outcome: what came of it, and what to do next.
var outcomes = map[handler.Outcome]string{
	handler.Verified:   "Done.",
	handler.Accepted:   "Accepted: it takes some minutes. Ask status %s to see it.",
	handler.Unchanged:  "Nothing to do.",
	handler.Planned:    "This would happen.",
	handler.Deferred:   "Later.",
	handler.InProgress: "It is being changed, or busy. Ask status %s in some minutes.",
	handler.Refused:    "Refused.",
	handler.Unknown:    "Unknown: it may have happened or not. Ask status %s in some minutes before you try again.",
	handler.Failed:     "That failed.",
}

// describe says how a request ended.
func (b *Bot) describe(r handler.Result) Reply {
	said := outcomes[r.Outcome]
	if strings.Contains(said, "%s") {
		said = fmt.Sprintf(said, b.place(handler.Ref{RegionID: r.RegionID, InstanceID: r.InstanceID}))
	}
	if r.Outcome == handler.Verified && r.After != nil {
		said = "Done: " + state(*r.After, b.Now())
	}
	lines := []string{fmt.Sprintf("%s (%s)", r.InstanceID, r.RegionID), said, sentence(r.Reason)}
	if r.Before != nil && r.Outcome == handler.Accepted && !r.Before.SSLExpiredTime.IsZero() {
		lines = append(lines, "Certificate before: "+when(r.Before.SSLExpiredTime, b.Now()))
	}
	if r.Error != nil && r.Error.Kind == handler.NotFound {
		lines = append(lines, elsewhere)
	}
	if r.RequestID != "" {
		lines = append(lines, "Request "+r.RequestID)
	}
	return Reply{Lines: lines}
}

// state says what an instance's encryption is now.
func state(s handler.State, now time.Time) string {
	if s.SSLEnabled == string(handler.Disable) {
		return "encryption is off."
	}
	return "the certificate is now valid until " + when(s.SSLExpiredTime, now) + "."
}

// elsewhere helps with an instance that is not where it was looked for.
const elsewhere = "If it is in another region, add region=R: status alone shows where everything is."

// look is what was seen of an instance, or why it was not.
type look struct {
	id  string
	o   handler.Observation
	err error
}

// mostUrgent puts what failed first, then what expires first, then the rest.
func mostUrgent(a, b look) int {
	key := func(l look) time.Time {
		switch {
		case l.err != nil:
			return time.Time{}
		case !l.o.Enabled || l.o.Expires.IsZero():
			return time.Unix(1<<40, 0)
		}
		return l.o.Expires
	}
	return key(a).Compare(key(b))
}

func (l look) line(f *fleet.Fleet, now time.Time) string {
	switch {
	case l.err != nil:
		return l.id + ": " + sentence(handler.AsError(l.err).Message)
	case l.o.WithoutTLS():
		return fmt.Sprintf("%s: this type of instance has no TLS (%s)", l.id, l.o.Status)
	case !l.o.Enabled:
		return fmt.Sprintf("%s: encryption is off (%s)", l.id, l.o.Status)
	}
	line := fmt.Sprintf("%s: until %s, %s", l.id, when(handler.At(l.o.Expires), now), l.o.Status)
	if due, _ := f.Due(l.o); due {
		line += ", due"
	}
	if l.o.WrongName() {
		line += ", wrong name"
	}
	return line
}
