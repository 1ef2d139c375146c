package chatops

import (
	"crypto/hmac"
	"encoding/binary"
	"math/big"
	"strings"
	"time"

	"tairssl/handler"
)

// ticket is a code that was read, as far as that goes without the API.
type ticket struct {
	coder
	text     string // as code writes it
	from     Message
	minute   int64 // since 1970
	verb     string
	chinese  bool // the language of the plan, for who sends the code alone
	selector uint64
	seal     uint64
	plan     *plan // that is known already; nil: it is looked for
}

// badCode says why a code counts for nothing.
type badCode struct{ of func(*wording) string }

var (
	errCode = &badCode{func(w *wording) string { return w.WrongCode }}
	errLate = &badCode{func(w *wording) string { return w.LateCode }}
	errSelf = &badCode{func(w *wording) string { return w.SelfCode }}
)

// read opens a code that m uses at a time.
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
	verb := int(n.Int64()) // at most 15, for that is what is left of 28^16
	if t.chinese = verb > codeLanguage; t.chinese {
		verb -= codeLanguage
	}
	if verb == 0 || verb >= len(codeVerbs) {
		return ticket{}, errCode
	}
	t.verb = codeVerbs[verb]
	return t.dated(low, check, now)
}

// dated finds the minute of a ticket of which the low bits are known: the latest
// one for which the check holds. A fault other than errCode says that the ticket is
// one of ours.
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
			return t, nil // whose it is does not show
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

// fits reports whether the ticket was given for a plan.
func (t ticket) fits(p plan) bool {
	var want, got [8]byte
	binary.BigEndian.PutUint64(want[:], t.sealOf(p))
	binary.BigEndian.PutUint64(got[:], t.seal)
	return hmac.Equal(want[:], got[:])
}
