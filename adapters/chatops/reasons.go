package chatops

import (
	"fmt"

	"tairssl/handler"
)

// why classifies the reason of a result: the kind of a failure, or one of the words
// below. It depends only on the fields of the result, not on its text, which is in
// English.
type why string

const (
	whyDue        why = "due"
	whyOff        why = "off"
	whyOn         why = "on"
	whyNotDue     why = "not due"
	whyNothing    why = "nothing to update"
	whyAlreadyOn  why = "on already"
	whyAlreadyOff why = "off already"
	whyNoTLS      why = "no TLS"
	whyLater      why = "later"
	whyBusy       why = "busy"
	whyUnderWay   why = "under way"
	whyOptedOut   why = "opted out"
	whyPolicy     why = "policy"
	whyUnsure     why = "unsure"
)

// whyOf classifies the reason of a result.
func whyOf(r handler.Result) why {
	switch {
	case r.Error != nil && r.Outcome == handler.Failed:
		return why(r.Error.Kind)
	case r.NoTLS:
		return whyNoTLS
	}
	switch r.Outcome {
	case handler.Verified, handler.Accepted, handler.Planned:
		return map[handler.Action]why{handler.Update: whyDue, handler.Enable: whyOff, handler.Disable: whyOn}[r.SSLEnabled]
	case handler.Unchanged:
		if r.SSLEnabled == handler.Update && r.Before != nil && r.Before.SSLEnabled == string(handler.Disable) {
			return whyNothing
		}
		return map[handler.Action]why{handler.Update: whyNotDue, handler.Enable: whyAlreadyOn, handler.Disable: whyAlreadyOff}[r.SSLEnabled]
	case handler.Deferred:
		return whyLater
	case handler.InProgress:
		if r.Busy {
			return whyBusy
		}
		return whyUnderWay
	case handler.Unknown:
		return whyUnsure
	}
	if r.OptedOut {
		return whyOptedOut
	}
	return whyPolicy
}

// reason explains the end of a request. In another language than English, it is a
// sentence for the class of the reason, followed by the English text in brackets.
func (w *wording) reason(r handler.Result) string { return w.because(whyOf(r), r.Reason) }

// fault explains an error in the same way.
func (w *wording) fault(e *handler.Error) string { return w.because(why(e.Kind), e.Message) }

func (w *wording) because(y why, text string) string {
	said, known := w.Whys[y]
	if !known {
		return w.sentence(text)
	}
	return w.sentence(fmt.Sprintf(w.InBrackets, said, text))
}
