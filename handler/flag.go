package handler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// flagPrefix begins the key of a flag's tag; eight letters or digits follow.
	flagPrefix = "tairssl-lease-"
	flagRandom = 8
	// flagLife is how long a flag holds. It outlasts the time between raising it
	// and the last moment at which the change that it covers may still be
	// unseen: signWithin, 15 minutes in which the API accepts what was signed, 10
	// for the effect to show, 10 for a stale read of it, and 5 of margin.
	flagLife = 45 * time.Minute
	// signWithin is how long after raising the flag the write may be signed.
	signWithin = 5 * time.Minute

	// oldKey and oldLife are the one lease tag of versions before 2, which may
	// still run. It holds as another writer's flag does.
	oldKey  = "tairssl-lease"
	oldLife = 15 * time.Minute

	// ToldTag is the tag that says what people were told of a certificate. It may
	// be removed where a flag needs its room.
	ToldTag = "tairssl-told"
)

// flag announces one attempt to change an instance, in a tag of the instance
// itself, where every other process and cloud sees it. The value of the tag is
// "Update/2026-12-01T00:00:00Z/2026-11-24T10:40:14Z/": the action, the expiry
// that it acts on (empty while encryption is off), the time by the API's clock
// before the tag was sent, and the order (see [Delivery]).
type flag struct {
	key     string
	action  Action
	expires Time
	time    Time
	order   string
}

// newFlag draws a flag that no other attempt has.
func newFlag(d Delivery, l look) flag {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	var random [flagRandom]byte
	for i := range random {
		random[i] = letters[rand.IntN(len(letters))]
	}
	f := flag{key: flagPrefix + string(random[:]), action: d.SSLEnabled, expires: At(l.Expires), time: At(l.present)}
	if d.SSLEnabled == Enable { // the other actions name their certificate
		f.order = d.Order
	}
	return f
}

// value is the tag's, at most 82 characters.
func (f flag) value() string {
	return fmt.Sprintf("%s/%s/%s/%s", f.action, f.expires, f.time, f.order)
}

// parseFlag reads a tag. A tag that it cannot read holds nobody back: a
// stranger's value must not block an instance for ever.
func parseFlag(key, value string) (f flag, ok bool) {
	random, isFlag := strings.CutPrefix(key, flagPrefix)
	if isFlag && (len(random) != flagRandom || strings.ContainsFunc(random, notLowerOrDigit)) || !isFlag && key != oldKey {
		return flag{}, false
	}
	parts := strings.Split(value, "/")
	if len(parts) != 4 {
		return flag{}, false
	}
	expires, err1 := ParseTime(parts[1])
	at, err2 := ParseTime(parts[2])
	f = flag{key, Action(parts[0]), expires, at, parts[3]}
	switch {
	case err1 != nil || err2 != nil || at.IsZero():
		return flag{}, false
	case f.action != Enable && f.action != Disable && f.action != Update:
		return flag{}, false
	case key == oldKey: // the last part was a nonce then
		f.order = ""
		return f, parts[3] != ""
	case f.order != "" && (len(f.order) != 16 || strings.Trim(f.order, "0123456789abcdef") != ""):
		return flag{}, false
	}
	return f, true
}

// live reports that the flag may still cover a write whose effect does not show.
// A flag from the future, by a clock that was wrong, lives no longer than one of
// now.
func (f flag) live(now time.Time) bool { return now.Sub(f.time.Time).Abs() < f.life() }

func (f flag) life() time.Duration {
	if f.key == oldKey {
		return oldLife
	}
	return flagLife
}

// ends is when the flag is no longer live.
func (f flag) ends() time.Time { return f.time.Add(f.life()) }

// spent reports that the instance no longer shows what the flag acted on.
func (f flag) spent(o Observation) bool { return !f.expires.Equal(At(o.Expires).Time) }

// holds reports that the flag keeps others from changing an instance that looks
// like this.
func (f flag) holds(o Observation, now time.Time) bool { return f.live(now) && !f.spent(o) }

// flagsOf are the flags among an instance's tags.
func flagsOf(tags map[string]string) (flags []flag) {
	for key, value := range tags {
		if f, ok := parseFlag(key, value); ok {
			flags = append(flags, f)
		}
	}
	return flags
}

// DeadFlags are the keys of an instance's tags that are flags and no longer
// live. Every writer, and every sweep that reads the instance, may remove them.
func DeadFlags(tags map[string]string, now time.Time) (keys []string) {
	for _, f := range flagsOf(tags) {
		if !f.live(now) {
			keys = append(keys, f.key)
		}
	}
	slices.Sort(keys)
	return keys
}

// memory is what a process knows of its own flags, by instance id. It spares a
// warm process the trust in tags, and is all there is with LeaseNone.
type memory struct {
	mu    sync.Mutex
	flags map[string][]flag
}

func (m *memory) add(id string, f flag, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.flags == nil {
		m.flags = map[string][]flag{}
	}
	for id, flags := range m.flags {
		if flags = slices.DeleteFunc(flags, func(f flag) bool { return !f.live(now) }); len(flags) == 0 {
			delete(m.flags, id)
		} else {
			m.flags[id] = flags
		}
	}
	m.flags[id] = append(m.flags[id], f)
}

func (m *memory) remove(id string, f flag) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flags[id] = slices.DeleteFunc(m.flags[id], func(old flag) bool { return old.key == f.key })
	if len(m.flags[id]) == 0 {
		delete(m.flags, id)
	}
}

func (m *memory) of(id string) []flag {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.flags[id])
}

// Attempt is a change that was begun on an instance in the last minutes, as its
// tags tell. It may have failed since.
type Attempt struct {
	Action Action
	Begun  time.Time
	// Holds says that its effect does not show yet, so nobody else changes the
	// instance until Ends.
	Holds bool
	Ends  time.Time
}

// Attempts are those that an instance's tags tell of, the latest first.
func (o Observation) Attempts(now time.Time) (attempts []Attempt) {
	for _, f := range flagsOf(o.Tags) {
		if f.live(now) {
			attempts = append(attempts, Attempt{f.action, f.time.Time, f.holds(o, now), f.ends()})
		}
	}
	slices.SortFunc(attempts, func(a, b Attempt) int { return b.Begun.Compare(a.Begun) })
	return attempts
}
