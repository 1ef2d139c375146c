package notify

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// memo is this process's memory of one notice. For a notice about a certificate, the key
// is the instance, and value is the tag. For a notice without a certificate, the key is
// its text, and only the time counts.
type memo struct {
	value string
	at    time.Time
}

// maxMemos is how many memos a process keeps. Their keys include texts that others wrote,
// such as the names in an alert.
const maxMemos = 2000

// choose decides which notes to send, and remembers them at once, so that two invocations
// of one process do not send the same notice.
func (n *Notifier) choose(notes []Note) (chosen []choice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.Now()
	for key, m := range n.memos {
		if now.Sub(m.at).Abs() >= memoTTL && !(parseTold(m.value).has(offMark) && now.Sub(m.at).Abs() < offPause) {
			delete(n.memos, key)
		}
	}
	for _, note := range notes {
		var c choice
		var ok bool
		if expires := note.expires(); !expires.IsZero() {
			c.key = note.RegionID + "/" + note.InstanceID
			c.before = n.memos[c.key]
			before := parseTold(note.Told).of(expires).and(parseTold(c.before.value).of(expires))
			c.line, c.told, ok = message(note, n.On, before, now)
		} else {
			c.line, _, ok = message(note, n.On, told{}, now)
			c.key = c.who + ": " + c.text(mostWhy)
			c.before = n.memos[c.key]
			ok = ok && (c.before.at.IsZero() || now.Sub(c.before.at).Abs() >= textPause)
		}
		if ok {
			n.makeRoom()
			n.memos[c.key] = memo{c.told.String(), now}
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// makeRoom forgets the oldest memo if there is no room for a new memo. The tag of the
// instance still remembers the notice.
func (n *Notifier) makeRoom() {
	if len(n.memos) < maxMemos {
		return
	}
	oldest, first := "", true
	for key, m := range n.memos {
		if first || m.at.Before(n.memos[oldest].at) {
			oldest, first = key, false
		}
	}
	delete(n.memos, oldest)
}

// untell forgets notices that could not be sent, so that the next run sends them.
func (n *Notifier) untell(chosen []choice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(chosen) - 1; i >= 0; i-- { // an instance may occur twice
		n.memos[chosen[i].key] = chosen[i].before
		if chosen[i].before.at.IsZero() {
			delete(n.memos, chosen[i].key)
		}
	}
}

// remember sets the tags of the instances. It writes one line to the log for all failures.
// After a failure, another process may send the notice again.
func (n *Notifier) remember(ctx context.Context, chosen []choice) {
	if n.Remember == nil {
		return
	}
	values := map[handler.Ref]string{} // for an instance that occurs twice, the last value counts
	for _, c := range chosen {
		// One tag stays free, because a change needs one.
		room := c.note.Told != "" || len(c.note.Tags) < handler.MaxTags-1
		if value := c.told.String(); value != "" && room {
			values[c.note.Ref()] = value
		}
	}
	ctx, cancel := context.WithTimeout(ctx, rememberTimeout)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(rememberConcurrency)
	var mu sync.Mutex
	var failed int
	var first error
	for ref, value := range values {
		group.Go(func() error {
			var err error = handler.Unexpected()
			n.guarded(ctx, func() { err = n.Remember(ctx, ref, value) })
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				if failed++; first == nil {
					first = err
				}
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	if failed > 0 {
		n.Log.WarnContext(ctx, "could not remember the notices, so they may be sent again: allow kvstore:TagResources to the role of this function", "instances", failed, "error", first)
	}
}
