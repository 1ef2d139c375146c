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
	// flagPrefix begins the key of a flag's tag. Eight random letters or digits follow.
	flagPrefix = "tairssl-lease-"
	flagRandom = 8
	// flagLife is how long a flag is live. It covers the time from raising the flag until
	// the effect of its change must be visible: 5 minutes until the write is signed
	// (signWithin), 15 in which the API accepts that signature, 10 until the effect
	// shows, 10 for a stale read, and 5 of margin.
	flagLife = 45 * time.Minute
	// signWithin is the time after raising the flag within which the write must be
	// signed.
	signWithin = 5 * time.Minute

	// oldKey and oldLife describe the single lease tag of versions before 2, which may
	// still run. The tag holds attempts back as the flag of another writer does.
	oldKey  = "tairssl-lease"
	oldLife = 15 * time.Minute

	// ToldTag is the tag that remembers which notices were sent about a certificate. It
	// may be removed to make room for a flag.
	ToldTag = "tairssl-told"
)

// flag announces one attempt to change an instance. It is stored in a tag of the
// instance, where every other process and cloud sees it. The value of the tag is
// "Update/2026-12-01T00:00:00Z/2026-11-24T10:40:14Z/": the action, the expiry of the
// certificate that it acts on (empty while encryption is off), the time by the API's
// clock before the tag was sent, and the order (see [Delivery]).
type flag struct {
	key     string
	action  Action
	expires Time
	time    Time
	order   string
}

// newFlag makes a flag with a new random key.
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

// value is the value of the tag, at most 82 characters.
func (f flag) value() string {
	return fmt.Sprintf("%s/%s/%s/%s", f.action, f.expires, f.time, f.order)
}

// parseFlag reads a tag. A tag that it cannot read holds nobody back, because a
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
	case key == oldKey: // in old versions the last part was a nonce
		f.order = ""
		return f, parts[3] != ""
	case f.order != "" && (len(f.order) != 16 || strings.Trim(f.order, "0123456789abcdef") != ""):
		return flag{}, false
	}
	return f, true
}

// live reports whether the flag may still cover a write whose effect does not show yet. A
// wrong clock may write a time in the future. Such a flag lives no longer than other
// flags.
func (f flag) live(now time.Time) bool { return now.Sub(f.time.Time).Abs() < f.life() }

func (f flag) life() time.Duration {
	if f.key == oldKey {
		return oldLife
	}
	return flagLife
}

// ends is the end of the flag's life.
func (f flag) ends() time.Time { return f.time.Add(f.life()) }

// spent reports whether the instance has changed since the flag was raised, so that the
// flag's work is done.
func (f flag) spent(o Observation) bool { return !f.expires.Equal(At(o.Expires).Time) }

// holds reports whether the flag keeps other attempts from changing the instance.
func (f flag) holds(o Observation, now time.Time) bool { return f.live(now) && !f.spent(o) }

// flagsOf finds the flags among an instance's tags.
func flagsOf(tags map[string]string) (flags []flag) {
	for key, value := range tags {
		if f, ok := parseFlag(key, value); ok {
			flags = append(flags, f)
		}
	}
	return flags
}

// DeadFlags lists the keys of flags that are no longer live. Every writer, and every
// sweep that reads the instance, may remove them.
func DeadFlags(tags map[string]string, now time.Time) (keys []string) {
	for _, f := range flagsOf(tags) {
		if !f.live(now) {
			keys = append(keys, f.key)
		}
	}
	slices.Sort(keys)
	return keys
}

// memory holds a process's own flags, by instance id. With it, a warm process need not
// rely on tags. With LeaseNone it is the only lease.
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

// Attempt is a change that was begun in the last minutes, according to the instance's
// tags. It may have failed since.
type Attempt struct {
	Action Action
	Begun  time.Time
	// Holds says that the effect of the attempt does not show yet, so no other writer
	// changes the instance until Ends.
	Holds bool
	Ends  time.Time
}

// Attempts lists the live flags of an instance as attempts, the latest first.
func (o Observation) Attempts(now time.Time) (attempts []Attempt) {
	for _, f := range flagsOf(o.Tags) {
		if f.live(now) {
			attempts = append(attempts, Attempt{f.action, f.time.Time, f.holds(o, now), f.ends()})
		}
	}
	slices.SortFunc(attempts, func(a, b Attempt) int { return b.Begun.Compare(a.Begun) })
	return attempts
}
