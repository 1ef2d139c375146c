package notify

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"tairssl/handler"
)

// class is the class of a notice. The worst class is the first.
type class int

const (
	failed class = iota
	lost
	attention
	reminder
	refused
	deferred
	approved
	accepted
	verified
)

// classes has the words of each class: its name in counts, the event (%s is the change),
// and the next step. For a failure, the next step depends on the kind.
var classes = [...]struct{ word, what, next string }{
	failed:    {"failed", "%s failed", ""},
	lost:      {"unknown", "%s may or may not have happened", "Run tairssl status INSTANCE in a few minutes. Do not force the change."},
	attention: {"in need of attention", "%s needs attention", byHand},
	reminder:  {"not renewed", "%s has not happened yet", byHand},
	refused:   {"refused", "%s refused", "Allow the renewal, or renew by hand: tairssl update INSTANCE --region REGION"},
	deferred:  {"deferred", "%s deferred", "Nothing to do: it happens automatically at that time."},
	approved:  {"approved", "%s approved", "Nothing to do: it happens automatically at that time."},
	accepted:  {"accepted", "%s accepted, the instance restarts", fetch},
	verified:  {"done", "%s done, the instance was restarted", fetch},
}

const (
	byHand = "Renew by hand at a suitable time before the certificate expires: tairssl update INSTANCE --region REGION"
	// toApprove is the next step for a change that waits for an approval.
	toApprove = "Approve the renewal: tairssl approve INSTANCE --region REGION, or send approve INSTANCE to the bot in Slack, Feishu or WeCom"
	// elsewhere is the next step if Alibaba will restart the instance at a bad time.
	elsewhere = "Tell the users of the instance when Alibaba restarts it, or change that time in Alibaba's console."
	fetch     = "If clients pin the CA, fetch the CA chain again"
)

var changes = map[handler.Action]string{
	handler.Update:  "renewal",
	handler.Enable:  "enabling encryption",
	handler.Disable: "disabling encryption",
}

// line is the notice about one instance, in words.
type line struct {
	class
	note Note
	who  string // the instance and its region
	what string // what happened
	why  string
	ca   string // what the change did to the CA; "" if the CA was not compared
	when string // expiry of the certificate
	next next
}

// next is the next step for a person.
type next struct {
	text string
	url  string // address to fetch something from; "" for none
}

// words puts a note into words.
func words(n Note, c class, now time.Time) line {
	change, ok := changes[n.SSLEnabled]
	if !ok {
		change = "request"
	}
	l := line{class: c, note: n, who: "a request", what: fmt.Sprintf(classes[c].what, change), next: next{text: classes[c].next}}
	if n.InstanceID != "" {
		l.who = n.called(", " + n.RegionID)
	}
	l.why = strings.TrimRight(strings.Join(strings.Fields(n.Reason), " "), ". ")
	switch c {
	case failed:
		l.what += l.ofKind()
		l.next.text = n.kind().NextStep()
	case attention, reminder:
		if c == attention {
			l.next.text = n.toDo()
		}
		if !n.Scheduled.IsZero() { // an update by hand would cause a second restart
			l.next.text = classes[deferred].next
		}
		if !n.Scheduled.IsZero() && n.Alert {
			l.next.text = elsewhere
		}
	case verified:
		l.why = "" // the reason why it was due does not matter any more
	}
	if n.Rule == handler.RuleApproval && (c == deferred || c == attention || c == reminder) {
		l.next.text = toApprove
		if c == deferred {
			l.what = change + " waits for an approval"
		}
	}
	if c == verified || c == accepted {
		l.next.url = fetchable(n.CertDownloadURL)
		if n.SSLEnabled == handler.Disable {
			l.next = next{}
		}
	}
	l = l.withCA()
	switch {
	case n.After != nil && !n.After.SSLExpiredTime.IsZero():
		l.when = "The new certificate expires " + date(n.After.SSLExpiredTime)
	case n.Before != nil && !n.Before.SSLExpiredTime.IsZero():
		left := n.Before.SSLExpiredTime.Sub(now)
		l.when = "The certificate expires " + date(n.Before.SSLExpiredTime) + ", in " + handler.Span(left)
		if left <= 0 {
			l.when = "The certificate expired " + date(n.Before.SSLExpiredTime) + ", " + handler.Span(-left) + " ago"
		}
	}
	return l
}

// called is the instance's name and its id, or only its id. more is added after the id,
// in the same brackets.
func (n Note) called(more string) string {
	name := strings.Join(strings.FieldsFunc(n.InstanceName, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }), " ")
	if name = handler.Clip(name); name == "" || name == n.InstanceID {
		if more = strings.TrimPrefix(more, ", "); more == "" {
			return n.InstanceID
		}
		return n.InstanceID + " (" + more + ")"
	}
	return name + " (" + n.InstanceID + more + ")"
}

// ofKind is the kind of a failure, in brackets.
func (l line) ofKind() string { return " (" + string(l.note.kind()) + ")" }

// label is the name of the line's class in a count.
func (l line) label() string {
	word := classes[l.class].word
	if l.class == failed {
		word += l.ofKind()
	}
	return word
}

// text is the line without its beginning, with the reason cut to most bytes.
func (l line) text(most int) string {
	s := l.what
	if l.why != "" {
		s += ": " + handler.ClipTo(l.why, most)
	}
	for _, more := range []string{l.ca, l.when} {
		if more != "" {
			s += ". " + more
		}
	}
	return s + "."
}

// approving describes the effect of the button.
func approving(l line) string {
	return l.who + ": the certificate is renewed in the next maintenance window. The instance restarts then, and connections to it drop for some seconds."
}

// date formats a time for people, in UTC.
func date(t handler.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// fetchable is the address if it can stand in any vendor's markup; "" otherwise.
func fetchable(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(s, " <>()[]|\"\\`*") {
		return ""
	}
	return s
}
