package chatops

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// wording contains the sentences of one language. In every language a sentence takes the
// same values in the same order.
type wording struct {
	// Verbs are the verbs of commands, for answers.
	Verbs map[string]string
	// For commands that were not understood.
	NotText, TooLong, UnknownWord, DidYouMean, NotAnID, ConfirmTakesACode, TwoRegions,
	NotARegion, StatusChangesNothing, TakesAnInstance, TooMany string
	// For codes.
	WrongCode, LateCode, SelfCode, NoKey, NoHand, Pause, CodeUsed, CodeFitsNothing, CouldNotLook string
	// For rights.
	WhoAreYou, MayNotSeeAny, MayNotSee, MayNot, TooWeak, TooWeakForTwo, AllowInLog, AllowBy string
	// For help.
	Intro, Usage, ReadsOnly, AsksBack, AddDryRun string
	// For a plan.
	Happens                                                                     map[string][]string
	ExpiresNow, Why, DryRun, GoOn, SomebodyGoesOn, Confirm, Button, ConfirmedBy string
	// For work that takes time.
	Panic, UnknownEnd, RanOut, TakesLonger, CouldNotGoOn, CouldNotTellStart, CouldNotStart, SameCode,
	Started, StartedUnseen, TellHere, AskStatus, AskStatusAnyway, TooLate, AskAgain, FewMinutes string
	// For the end of a change.
	Outcomes                                                               map[handler.Outcome]string
	Approved, Renewed, SwitchedOn, SwitchedOff, CertificateBefore, Request string
	// For a status.
	NoTLS, Off, Until, Due, Unapproved, WrongName, NoExpiry, In, ExpiredAgo, MoreLater, MoreFaults, AndMore, NotAll, NameThem, NothingToSee, CouldNotList string
	// Whys has a sentence for each class of reason; nil in English, because the reasons
	// are in English. InBrackets adds the English reason.
	Whys       map[why]string
	InBrackets string
	// End ends a sentence.
	End string
}

// wording is the wording in the command's language.
func (c Command) wording() *wording {
	if c.Chinese {
		return inChinese()
	}
	return inEnglish()
}

// say gives a sentence in the command's language. A message that is only an unknown code
// has no language, so the answer is in both.
func (c Command) say(of func(*wording) string) string {
	w := c.wording()
	said := w.sentence(of(w))
	if c.Alone {
		said += " " + inChinese().sentence(of(inChinese()))
	}
	return said
}

// err makes an error of a sentence.
func (w *wording) err(sentence string) error { return errors.New(w.sentence(sentence)) }

func (w *wording) errorf(format string, args ...any) error {
	return w.err(fmt.Sprintf(format, args...))
}

func text(lines ...string) Reply { return Reply{Lines: lines} }

// sentence gives a text a capital letter and a full stop.
func (w *wording) sentence(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if s == "" {
		return s
	}
	s = string(unicode.ToUpper(r)) + s[size:]
	for _, end := range []string{".", "?", "”", "。", "？"} {
		if strings.HasSuffix(s, end) {
			return s
		}
	}
	return s + w.End
}

// when describes a certificate's expiry.
func (w *wording) when(t handler.Time, now time.Time) string {
	switch left := t.Sub(now); {
	case t.IsZero():
		return w.NoExpiry
	case left <= 0:
		return fmt.Sprintf(w.ExpiredAgo, t.Format(time.DateOnly), handler.Span(-left))
	default:
		return fmt.Sprintf(w.In, t.Format(time.DateOnly), handler.Span(left))
	}
}

// announce describes a plan, before its code.
func (w *wording) announce(verb string, r handler.Result, now time.Time) []string {
	lines := []string{w.Verbs[verb] + " " + named(r)}
	lines = append(lines, w.Happens[verb]...)
	if r.Before != nil && !r.Before.SSLExpiredTime.IsZero() {
		lines = append(lines, w.ExpiresNow+w.when(r.Before.SSLExpiredTime, now))
	}
	if verb == approve { // an approved Update happens later, due or not
		return append(lines, w.Why+w.because(whyLater, r.Reason))
	}
	return append(lines, w.Why+w.reason(r))
}

// named is an instance's id, with its name and its region.
func named(r handler.Result) string {
	name := r.InstanceID
	if r.InstanceName != "" && r.InstanceName != r.InstanceID {
		name += " " + quote(r.InstanceName)
	}
	if r.RegionID != "" {
		name += " (" + r.RegionID + ")"
	}
	return name
}

// describe describes the result of a request.
func (b *Bot) describe(w *wording, r handler.Result) Reply {
	ended := w.Outcomes[r.Outcome]
	if strings.Contains(ended, "%s") {
		ended = fmt.Sprintf(ended, b.place(handler.Ref{RegionID: r.RegionID, InstanceID: r.InstanceID}))
	}
	if r.ApprovedBy != "" { // it is deferred to the window
		ended = w.Approved
	}
	if r.Outcome == handler.Verified && r.After != nil {
		ended = w.state(r, b.Now())
	}
	lines := []string{named(r), ended, w.reason(r)}
	if r.Before != nil && r.Outcome == handler.Accepted && !r.Before.SSLExpiredTime.IsZero() {
		lines = append(lines, w.CertificateBefore+w.when(r.Before.SSLExpiredTime, b.Now()))
	}
	if r.RequestID != "" {
		lines = append(lines, w.Request+r.RequestID)
	}
	return Reply{Lines: lines}
}

// state describes the present encryption, and when it was read.
func (w *wording) state(r handler.Result, now time.Time) string {
	seen := now.UTC().Format("15:04 UTC")
	switch {
	case r.After.SSLEnabled == string(handler.Disable):
		return fmt.Sprintf(w.SwitchedOff, seen)
	case r.SSLEnabled == handler.Enable:
		return fmt.Sprintf(w.SwitchedOn, w.when(r.After.SSLExpiredTime, now), seen)
	}
	return fmt.Sprintf(w.Renewed, w.when(r.After.SSLExpiredTime, now), seen)
}

// look is the observed state of an instance, or the error of reading it.
type look struct {
	id  string
	o   handler.Observation
	err error
}

// mostUrgent orders failures first, then the earliest expiry.
func mostUrgent(a, b *look) int {
	key := func(l *look) time.Time {
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

func (l *look) line(w *wording, f *fleet.Fleet, now time.Time) string {
	switch {
	case l.err != nil:
		return l.id + ": " + w.fault(handler.AsError(l.err))
	case l.o.WithoutTLS():
		return fmt.Sprintf(w.NoTLS, l.id, l.o.Status)
	case !l.o.Enabled:
		return fmt.Sprintf(w.Off, l.id, l.o.Status)
	}
	line := fmt.Sprintf(w.Until, l.id, w.when(handler.At(l.o.Expires), now), l.o.Status)
	if due, _ := f.Due(l.o); due {
		line += w.Due
		if _, approved := l.o.Approval(); f.Policy.Approval && !approved {
			line += w.Unapproved
		}
	}
	if l.o.WrongName() {
		line += w.WrongName
	}
	return line
}
