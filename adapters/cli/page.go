package cli

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

//go:embed page.html
var pageHTML string

// fleetPage is what the picture of a fleet is made of.
type fleetPage struct {
	Generated   time.Time     // the "now" of all that the page says
	RenewBefore time.Duration // how long before expiry a certificate is due; default 720h
	Regions     []string      // that were read
	Coverage    []fleet.Coverage
	Rows        []status
}

// writePage writes a fleet as one page of HTML that needs nothing but itself:
// no script, no network, and nothing in it that should not be passed on, so
// that it can be mailed, archived or served from anywhere. The page is written
// in one piece or not at all.
func writePage(w io.Writer, p fleetPage) error {
	t, err := template.New("page.html").Parse(pageHTML)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := t.Execute(&page, p.view()); err != nil {
		return err
	}
	_, err = page.WriteTo(w)
	return err
}

// state is what matters most about an instance, the worst first.
type state int

const (
	unreadable state = iota
	expired
	due
	deferred
	scheduled
	off
	without
	good
)

// states says how each state is called, and which class gives it its colour.
var states = [...]struct{ class, word string }{
	unreadable: {"unreadable", "Unreadable"},
	expired:    {"expired", "Expired"},
	due:        {"due", "Due"},
	deferred:   {"deferred", "Deferred"},
	scheduled:  {"scheduled", "Alibaba renews"},
	off:        {"off", "Encryption off"},
	without:    {"without", "No TLS"},
	good:       {"good", "Good"},
}

// Class is the state's class in the page.
func (s state) Class() string { return states[s].class }

// Word is what the state is called.
func (s state) Word() string { return states[s].word }

// judge finds the state of an instance. An expiry that the API does not give
// is not a good one.
func judge(s status, now time.Time) state {
	switch {
	case s.Error != nil:
		return unreadable
	case s.SSLEnabled == string(handler.Disable):
		return off
	case s.SSLEnabled == noTLS:
		return without
	case s.SSLExpiredTime.IsZero():
		return unreadable
	case !s.SSLExpiredTime.After(now):
		return expired
	case !s.ScheduledTime.IsZero() && s.ScheduledTime.Before(s.SSLExpiredTime.Time):
		return scheduled
	case !s.DeferredUntil.IsZero():
		return deferred
	case s.Due:
		return due
	}
	return good
}

// entry is an instance as the page shows it.
type entry struct {
	Anchor                       int // the number of its row in the table; 0: it is not there
	ID, Region                   string
	Name                         string // "" if it has none but its id
	State                        state
	Expires, Deferred, Scheduled handler.Time
	Left                         string // "12d left", "3d ago", "" without a certificate
	Due, Alert, WrongName        bool
	CommonName, Domain           string
	Why                          string // "" if State says it all
	Short                        string // Why, without what plans says
}

func newEntry(s status, now time.Time) entry {
	e := entry{
		ID: plain(s.InstanceID), Region: plain(s.RegionID), State: judge(s, now),
		Deferred: handler.At(s.DeferredUntil.Time), Scheduled: handler.At(s.ScheduledTime.Time),
		Alert: s.Alert, WrongName: s.WrongName, CommonName: plain(s.CertCommonName), Domain: plain(s.ConnectionDomain),
	}
	if s.InstanceName != s.InstanceID {
		e.Name = plain(s.InstanceName)
	}
	var why []string
	switch e.State {
	case unreadable:
		if s.Error == nil {
			s.Error = handler.Errorf(handler.Unavailable, "encryption is on, but the API gives no expiry; try again")
		}
		why = append(why, s.Error.Error())
	case off, without:
	default:
		e.Expires, e.Left = handler.At(s.SSLExpiredTime.Time), left(s.SSLExpiredTime, now)
		e.Due = s.Due || e.State == expired && !s.stopped()
		if e.State == scheduled && !e.Due && !e.WrongName {
			why = plans(e) // that it is not due is beside the point
		} else if e.State != good || e.WrongName {
			why = append(why, s.Reason)
		}
	}
	if is := "the instance is " + s.InstanceStatus; s.InstanceStatus != "" && s.InstanceStatus != "Normal" && !strings.Contains(join(why...), is) {
		why = append(why, is)
	}
	e.Why = plain(join(why...))
	if e.Short = e.Why; s.why != "" {
		e.Short = plain(s.why)
	}
	return e
}

// left says how far away an expiry is.
func left(t handler.Time, now time.Time) string {
	if d := t.Sub(now); d > 0 {
		return handler.Span(d) + " left"
	}
	return handler.Span(now.Sub(t.Time)) + " ago"
}

// plain makes a text that reads as it is stored: html/template keeps markup
// out, but lets pass what turns the direction of writing or can not be seen,
// by which one id can look like another. The API's messages have no limit, so
// one is set.
func plain(s string) string {
	const most = 400
	var b strings.Builder
	for n, r := range []rune(s) {
		switch {
		case n == most:
			return b.String() + "…"
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// card is one number of the summary. Section is where its instances are
// listed; the number 0 leads nowhere.
type card struct {
	Count                      int
	Word, Note, Class, Section string
}

// rest is what the table of a large fleet leaves out, by the month of expiry.
type rest struct {
	Count  int
	Needy  bool // some of them need something
	Months []bin
}

// section lists the instances of which one thing is true.
type section struct {
	ID, Title, Note, Command string
	When                     string // heads the column of times; "" for no such column
	Lines                    []line
	More                     int // how many only the whole table has
}

// line is an instance in a section.
type line struct {
	entry
	At   handler.Time
	Text string
}

const (
	// maxLines is how many instances a section shows.
	maxLines = 50
	// maxRows is how many the table of all shows: with more a browser on a
	// telephone takes its time.
	maxRows = 2000
)

// aspect is something that may be true of an instance, which is counted in the
// summary and listed in a section. Several may be true of one.
type aspect struct {
	section
	word, note, class string
	holds             func(entry) bool
	at                func(entry) handler.Time
	text              func(entry) []string // joined by semicolons
}

func aspects(renewBefore time.Duration) []aspect {
	const update = "tairssl update INSTANCE"
	expiry := func(e entry) handler.Time { return e.Expires }
	return []aspect{
		{
			section: section{ID: "due", Title: "Due", When: "Expires", Command: update,
				Note: "An hourly sweep renews these unattended, unless noted. To renew one now, which restarts it:"},
			word: "due", note: "within " + handler.Span(renewBefore) + " of expiry, or past it", class: due.Class(),
			holds: func(e entry) bool { return e.Due }, at: expiry,
			text: func(e entry) []string { return append(plans(e), e.Short) },
		},
		{
			section: section{ID: "deferred", Title: "Deferred", When: "Until", Command: update,
				Note: "Due, but an unattended change waits until then. To renew one at once all the same, which restarts it:"},
			word: "deferred", note: "due, but to be done later", class: deferred.Class(),
			holds: func(e entry) bool { return !e.Deferred.IsZero() }, at: func(e entry) handler.Time { return e.Deferred },
			text: func(e entry) []string { return []string{expires(e, e.Deferred)} },
		},
		{
			section: section{ID: "scheduled", Title: "Scheduled by Alibaba", When: "Renewal",
				Note: "Alibaba renews these itself. An update before that only restarts them twice, so none is made unattended."},
			word: "scheduled by Alibaba", note: "it renews them itself", class: scheduled.Class(),
			holds: func(e entry) bool { return !e.Scheduled.IsZero() }, at: func(e entry) handler.Time { return e.Scheduled },
			text: func(e entry) []string { return []string{expires(e, e.Scheduled)} },
		},
		{
			section: section{ID: "wrong-name", Title: "Wrong name", When: "Expires", Command: update,
				Note: "The certificate is not for the endpoint, so clients that check names can not connect. An update may cure it, and restarts the instance:"},
			word: "wrong name", note: "not that of the endpoint", class: unreadable.Class(),
			holds: func(e entry) bool { return e.WrongName }, at: expiry,
			text: func(e entry) []string { return []string{"certificate " + e.CommonName, "endpoint " + e.Domain} },
		},
		{
			section: section{ID: "unreadable", Title: "Unreadable", Command: "tairssl status INSTANCE",
				Note: "Nothing is known of their certificates. Do what the message says, then look again:"},
			word: "unreadable", note: "their state is not known", class: unreadable.Class(),
			holds: func(e entry) bool { return e.State == unreadable }, at: func(entry) handler.Time { return handler.Time{} },
			text: func(e entry) []string { return []string{e.Why} },
		},
	}
}

// join makes one text of those that say something.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

const minutes = "2006-01-02 15:04"

// plans says what will happen to an instance without anybody's doing.
func plans(e entry) (texts []string) {
	if !e.Deferred.IsZero() && e.Deferred != e.Scheduled {
		texts = append(texts, "deferred until "+e.Deferred.Format(minutes)+late(e, e.Deferred))
	}
	if !e.Scheduled.IsZero() {
		texts = append(texts, "scheduled by Alibaba for "+e.Scheduled.Format(minutes)+late(e, e.Scheduled))
	}
	return texts
}

// late warns of a renewal that comes after the expiry.
func late(e entry, renewal handler.Time) string {
	if renewal.After(e.Expires.Time) && e.State != expired {
		return ", after it expires"
	}
	return ""
}

// expires says when a certificate does, beside the time of its renewal.
func expires(e entry, renewal handler.Time) string {
	switch {
	case e.Expires.IsZero():
		return ""
	case e.State == expired:
		return fmt.Sprintf("expired %s, %s", e.Expires.Format(time.DateOnly), e.Left)
	case late(e, renewal) != "":
		return fmt.Sprintf("expires %s, before that", e.Expires.Format(minutes))
	}
	return fmt.Sprintf("expires %s, %s", e.Expires.Format(time.DateOnly), e.Left)
}

// view is the page's content, as page.html needs it.
type view struct {
	Generated handler.Time
	Due       string
	Regions   string
	Unread    []string // why regions were not read, or not whole
	Empty     string   // the regions that have no instance, beside others that do
	Headline  []string
	Cards     []card
	Line      *timeLine // nil if no instance has a certificate
	Sections  []section
	Entries   []entry // all
	Listed    []entry // those in the table
	Rest      rest    // the others
}

func (p fleetPage) view() view {
	if p.RenewBefore == 0 {
		p.RenewBefore = handler.DefaultRenewBefore
	}
	entries := make([]entry, len(p.Rows))
	for i, row := range p.Rows {
		entries[i] = newEntry(row, p.Generated)
	}
	slices.SortStableFunc(entries, byDaysLeft)
	v := view{Generated: handler.At(p.Generated), Due: handler.Span(p.RenewBefore), Entries: entries, Regions: regions(p.Regions, entries)}
	v.Listed, v.Rest = fit(entries)
	v.Line = layOut(entries, p.Generated, p.RenewBefore)
	v.Cards = []card{
		{Count: len(entries), Word: plural(len(entries), "instance"), Section: "all"},
		{Count: count(entries, func(e entry) bool { return e.State == expired }), Word: "expired", Note: "they count as due as well", Class: expired.Class(), Section: "due"},
	}
	for _, a := range aspects(p.RenewBefore) {
		s := a.list(entries)
		v.Cards = append(v.Cards, card{len(s.Lines) + s.More, a.word, a.note, a.class, s.ID})
		if len(s.Lines) > 0 {
			v.Sections = append(v.Sections, s)
		}
	}
	v.Headline = headline(entries)
	v.Unread, v.Empty = notRead(p.Coverage)
	return v
}

// fit gives the instances that the table shows an anchor, and sums the others up.
// Where there are too many, those that need something come first, then what
// expires next.
func fit(entries []entry) (listed []entry, r rest) {
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	need := func(i int) int {
		switch e := entries[i]; {
		case e.WrongName || e.Alert || e.State < off:
			return 0
		case e.State == good:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(order, func(a, b int) int { return need(a) - need(b) })
	kept := make([]bool, len(entries))
	for _, i := range order[:min(len(order), maxRows)] {
		kept[i] = true
	}
	for i := range entries {
		e := &entries[i]
		if kept[i] {
			e.Anchor = len(listed) + 1
			listed = append(listed, *e)
			continue
		}
		r.Count++
		r.Needy = r.Needy || need(i) == 0
		label := e.State.Word()
		if !e.Expires.IsZero() {
			label = e.Expires.Format(monthName)
		}
		if n := len(r.Months) - 1; n < 0 || r.Months[n].Label != label {
			r.Months = append(r.Months, bin{Label: label})
		}
		r.Months[len(r.Months)-1].Total++
	}
	return listed, r
}

// list makes the section, in the order of its times.
func (a aspect) list(entries []entry) section {
	s := a.section
	for _, e := range entries {
		if a.holds(e) {
			s.Lines = append(s.Lines, line{e, a.at(e), join(a.text(e)...)})
		}
	}
	slices.SortStableFunc(s.Lines, func(x, y line) int { return x.At.Compare(y.At.Time) })
	s.More = max(0, len(s.Lines)-maxLines)
	s.Lines = s.Lines[:len(s.Lines)-s.More]
	return s
}

// byDaysLeft sorts what expires first to the top, and what has no date below
// all others: first what could not be read, then what is not encrypted.
func byDaysLeft(a, b entry) int {
	rank := func(e entry) int {
		if e.Expires.IsZero() {
			return 1 + int(e.State)
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Expires.Compare(b.Expires.Time), cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID))
}

// headline says in a few sentences what a reader in a hurry has to know.
func headline(entries []entry) (sentences []string) {
	say := func(format string, args ...any) { sentences = append(sentences, fmt.Sprintf(format, args...)) }
	dues := count(entries, func(e entry) bool { return e.Due })
	olds := count(entries, func(e entry) bool { return e.State == expired })
	next := slices.IndexFunc(entries, func(e entry) bool { return !e.Expires.IsZero() && !e.Due })
	switch {
	case len(entries) == 0:
		return nil
	case dues > 0 && olds > 0:
		say("Due for renewal: %d of %d %s, of which %d expired already.", dues, len(entries), plural(len(entries), "instance"), olds)
	case dues > 0:
		say("Due for renewal: %d of %d %s. None has expired.", dues, len(entries), plural(len(entries), "instance"))
	case next >= 0:
		say("Nothing is due. The next certificate expires %s, %s.", entries[next].Expires.Format(time.DateOnly), entries[next].Left)
	default:
		say("Nothing is due: no certificate is known.")
	}
	if n := count(entries, func(e entry) bool { return e.Alert }); n > 0 {
		say("Attention: no maintenance window opens in time for %d of them. Renew %s by hand, with tairssl update.", n, verb(n, "it", "them"))
	}
	if n := count(entries, func(e entry) bool { return e.State == unreadable }); n > 0 {
		say("Not all is known: %d could not be read.", n)
	}
	return sentences
}

func count(entries []entry, holds func(entry) bool) (n int) {
	for _, e := range entries {
		if holds(e) {
			n++
		}
	}
	return n
}

func plural(n int, noun string) string { return verb(n, noun, noun+"s") }

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// regions names the regions that were read, or else those of the instances.
func regions(names []string, entries []entry) string {
	seen := map[string]bool{}
	for _, name := range names {
		seen[plain(name)] = true
	}
	if len(seen) == 0 {
		for _, e := range entries {
			seen[e.Region] = true
		}
	}
	delete(seen, "")
	var sorted []string
	for name := range seen {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return strings.Join(sorted, ", ")
}
