package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// digest is one message in a form for every vendor.
type digest struct {
	title string
	lines []line // the worst first
	more  int    // number of further lines, which the message only counts
	most  int    // greatest length of a line's reason, in bytes
	next  []next // the next steps for people, each step once
}

const (
	maxLines = 20
	maxNext  = 5
	// mostWhy is the greatest length of a reason, in bytes. If there are more than few
	// lines, it is shortWhy.
	mostWhy, shortWhy, few = 500, 160, 3
)

// newDigest puts the notices into one message.
func newDigest(chosen []choice) digest {
	d := digest{most: mostWhy}
	sorted := make([]*line, len(chosen)) // sorting pointers needs less code than sorting large values
	for i := range chosen {
		sorted[i] = &chosen[i].line
	}
	slices.SortStableFunc(sorted, func(a, b *line) int {
		return cmp.Or(cmp.Compare(a.class, b.class), a.note.expires().Compare(b.note.expires().Time), strings.Compare(a.who, b.who))
	})
	for _, l := range sorted {
		d.lines = append(d.lines, *l)
	}
	for _, l := range d.lines {
		if l.next.text == "" || len(d.next) == maxNext {
			continue
		}
		if len(d.lines) > 1 { // name the lines to which the step belongs
			l.next.text = l.label() + ": " + l.next.text
		}
		if !slices.Contains(d.next, l.next) {
			d.next = append(d.next, l.next)
		}
	}
	d.title = titled(d.lines)
	if len(d.lines) > few {
		d.most = shortWhy
	}
	for len(d.lines) > maxLines {
		d.drop()
	}
	return d
}

// drop removes the last line and counts it instead.
func (d *digest) drop() {
	d.lines = d.lines[:len(d.lines)-1]
	d.more++
}

func (d digest) count() int { return len(d.lines) + d.more }

// rest gives the number of lines that are only counted, in words; "" if there are no such
// lines.
func (d digest) rest() string {
	if d.more == 0 {
		return ""
	}
	return fmt.Sprintf("And %d more. The function's log has all of them.", d.more)
}

// titled is the message in one line, for the phone's lock screen. It begins with tairssl,
// because a robot may accept only messages with a given word.
func titled(lines []line) string {
	if len(lines) == 1 {
		l := lines[0]
		return "tairssl: " + strings.TrimSpace(l.note.called("")+" "+l.what)
	}
	var counts [len(classes)]int
	for _, l := range lines {
		counts[l.class]++
	}
	var parts []string
	for c, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, classes[c].word))
		}
	}
	return "tairssl: " + strings.Join(parts, ", ")
}
