package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// digest is one message, whatever vendor carries it.
type digest struct {
	title string
	lines []line // the worst first
	more  int    // lines that are counted only
	most  int    // bytes of a line's reason
	next  []next // what to do, each once
}

const (
	maxLines = 20
	maxNext  = 5
	// mostWhy cuts a reason, shortWhy one among more than a few.
	mostWhy, shortWhy, few = 500, 160, 3
)

// newDigest puts what is told into one message.
func newDigest(chosen []choice) digest {
	d := digest{most: mostWhy}
	sorted := make([]*line, len(chosen)) // by pointers: the code that sorts large values is large itself
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
		if len(d.lines) > 1 { // say to which lines it belongs
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

// drop turns the last line into one that is counted.
func (d *digest) drop() {
	d.lines = d.lines[:len(d.lines)-1]
	d.more++
}

func (d digest) count() int { return len(d.lines) + d.more }

// rest says how many lines are counted only, "" for none.
func (d digest) rest() string {
	if d.more == 0 {
		return ""
	}
	return fmt.Sprintf("And %d more; the function's log has each.", d.more)
}

// titled says it all in a line, for the phone's lock screen. It begins with
// the name for which a robot may be told to look.
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
