package chatops

import (
	"crypto/hmac"
	"encoding/binary"
	"math/big"
	"strings"
	"time"

	"tairssl/handler"
)

// ticket has the parts of a code that can be read without the API.
type ticket struct {
	coder
	text     string // in the form of code
	from     Message
	minute   int64 // minutes since 1970
	verb     string
	chinese  bool // the language of the plan, for a message that is only a code
	selector uint64
	seal     uint64
	plan     *plan // the plan if this process knows it; nil if it has to be found
}

// badCode says why a code is not valid.
type badCode struct{ of func(*wording) string }

var (
	errCode = &badCode{func(w *wording) string { return w.WrongCode }}
	errLate = &badCode{func(w *wording) string { return w.LateCode }}
	errSelf = &badCode{func(w *wording) string { return w.SelfCode }}
)

// read reads a code that the sender of m uses now.
func (c coder) read(text string, m Message, now time.Time) (ticket, *badCode) {
	n, base := big.NewInt(0), big.NewInt(int64(len(codeAlphabet)))
	text = lookAlikes.Replace(strings.ToUpper(strings.ReplaceAll(text, "-", "")))
	if len(text) != codeLength {
		return ticket{}, errCode
	}
	for _, r := range text {
		at := strings.IndexRune(codeAlphabet, r)
		if at < 0 {
			return ticket{}, errCode
		}
		n.Mul(n, base).Add(n, big.NewInt(int64(at)))
	}
	pull := func(bits uint) uint64 {
		value := new(big.Int).And(n, new(big.Int).SetUint64(1<<bits-1)).Uint64()
		n.Rsh(n, bits)
		return value
	}
	t := ticket{coder: c, text: grouped(text), from: m}
	t.seal = pull(sealBits)
	check := pull(checkBits)
	t.selector = pull(selectorBits)
	low := int64(pull(minuteBits))
	verb := int(n.Int64()) // at most 15, because no more is left of 28^16
	if t.chinese = verb > codeLanguage; t.chinese {
		verb -= codeLanguage
	}
	if verb == 0 || verb >= len(codeVerbs) {
		return ticket{}, errCode
	}
	t.verb = codeVerbs[verb]
	return t.dated(low, check, now)
}

// dated finds the minute of a ticket from its low bits and the check. It is the latest
// minute for which the check is right. Every fault except errCode means that the code is
// from this bot.
func (t ticket) dated(low int64, check uint64, now time.Time) (ticket, *badCode) {
	const period = 1 << minuteBits
	present := now.Unix() / 60
	latest := present + 1 // another process's clock may be ahead
	latest -= (latest - low%period + period) % period
	for minute := latest; present-minute <= int64(codeMemory/time.Minute); minute -= period {
		t.minute = minute
		mine := t.check() == check
		old := present-minute > int64(codeLife/time.Minute)
		switch {
		case t.second && mine && !old:
			return t, errSelf
		case t.second && minute == latest && !old:
			return t, nil // the check does not show whose code it is
		case mine && old, t.second && old:
			return t, errLate
		case mine:
			return t, nil
		}
	}
	return ticket{}, errCode
}

// selects reports whether an instance may be the one of the ticket.
func (t ticket) selects(ref handler.Ref) bool { return t.selectorOf(ref) == t.selector }

// fits reports whether the ticket belongs to a plan.
func (t ticket) fits(p plan) bool {
	var want, got [8]byte
	binary.BigEndian.PutUint64(want[:], t.sealOf(p))
	binary.BigEndian.PutUint64(got[:], t.seal)
	return hmac.Equal(want[:], got[:])
}
