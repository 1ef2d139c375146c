package chatops

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// A code is 16 letters and digits of an alphabet of 28, in which no two look
// alike: neither 0 O 1 I L, nor B S Z beside 8 5 2. That is a number of 76 bits,
// the highest first:
//
//	 4  minute     in which it was given, its low bits
//	 2  verb       1 update, 2 enable, 3 disable
//	12  selector   of the instance: a keyed hash of its region and id
//	10  check      a MAC of all the other bits, the whole minute, place and person
//	48  seal       a MAC of the whole plan: minute, verb, region, instance, expiry
//	               of the certificate that was seen, place and person
//
// It holds all that a process needs that never saw the plan. The check is read
// without the API: it tells a code that was mistyped, made up, or given to
// somebody else, in all but one of a thousand cases, before anything is handed
// over. The seal can only be read with the certificate, of the few instances (one,
// mostly) that the selector names. Only the seal decides. Nobody guesses its 48
// bits in the few attempts that [pauses] allows.
//
// Where somebody else confirms, the seal does not bind the person, for it is not
// known who will. The check is made for who asked: that person's code is known
// again, and refused.
const (
	codeAlphabet = "23456789ACDEFGHJKMNPQRTUVWXY"
	codeLength   = 16
	codeGroup    = 4

	minuteBits, verbBits, selectorBits, checkBits, sealBits = 4, 2, 12, 10, 48

	// codeLife is how long a code may be used. It ends with a whole minute.
	codeLife = 5 * time.Minute
	// codeMemory is how long a code that is too old is known as that.
	codeMemory = time.Hour
)

// lookAlikes are what people may read instead of a character of the alphabet.
var lookAlikes = strings.NewReplacer("B", "8", "S", "5", "Z", "2")

// plan is what a code stands for.
type plan struct {
	Verb     string
	Instance string
	Region   string
	Expires  handler.Time // of the certificate that was seen; zero while encryption is off
}

func (p plan) ref() handler.Ref { return handler.Ref{RegionID: p.Region, InstanceID: p.Instance} }

// codeVerbs are the numbers of the verbs in a code.
var codeVerbs = []string{1: "update", 2: "enable", 3: "disable"}

// coder makes and reads codes.
type coder struct {
	key    []byte
	second bool // somebody else confirms
}

// ticket is a code that was read, as far as that goes without the API.
type ticket struct {
	coder
	text     string // as code writes it
	from     Message
	minute   int64 // since 1970
	verb     string
	selector uint64
	seal     uint64
}

// code writes a plan for whoever asked.
func (c coder) code(p plan, m Message, now time.Time) string {
	minute := now.Unix() / 60
	t := ticket{coder: c, from: m, minute: minute, verb: p.Verb, selector: c.selectorOf(p.ref())}
	t.seal = t.sealOf(p)
	return t.write()
}

// write gives the text of a ticket.
func (t ticket) write() string {
	n := big.NewInt(0)
	push := func(value uint64, bits uint) {
		n.Lsh(n, bits).Or(n, new(big.Int).SetUint64(value&(1<<bits-1)))
	}
	push(uint64(t.minute), minuteBits)
	push(uint64(verbNumber(t.verb)), verbBits)
	push(t.selector, selectorBits)
	push(t.check(), checkBits)
	push(t.seal, sealBits)
	base, digit := big.NewInt(int64(len(codeAlphabet))), new(big.Int)
	text := make([]byte, codeLength)
	for i := len(text) - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		text[i] = codeAlphabet[digit.Int64()]
	}
	return grouped(string(text))
}

// grouped puts dashes into a code.
func grouped(s string) string {
	var groups []string
	for ; len(s) > codeGroup; s = s[codeGroup:] {
		groups = append(groups, s[:codeGroup])
	}
	return strings.Join(append(groups, s), "-")
}

func verbNumber(verb string) int {
	for i, v := range codeVerbs {
		if v == verb {
			return i
		}
	}
	return 0
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
	verb := pull(verbBits)
	low := int64(pull(minuteBits))
	if n.Sign() != 0 || verb == 0 { // 28^16 is a little more than 2^76
		return ticket{}, errCode
	}
	t.verb = codeVerbs[verb]
	return t.dated(low, check, now)
}

// dated finds the minute of a ticket of which the low bits are known: the latest
// one for which the check holds.
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
			return ticket{}, errSelf
		case t.second && minute == latest && !old:
			return t, nil // whose it is does not show
		case mine && old, t.second && old:
			return ticket{}, errLate
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

// select_ is what a code says of an instance.
func (c coder) selectorOf(ref handler.Ref) uint64 {
	return c.bits(selectorBits, "instance", ref.RegionID, ref.InstanceID)
}

// check binds all other bits to place, person and minute.
func (t ticket) check() uint64 {
	return t.bits(checkBits, "check", append(t.place(), t.from.User, t.verb, number(t.minute), number(int64(t.selector)), number(int64(t.seal)))...)
}

// sealOf binds a plan to place, person and minute.
func (t ticket) sealOf(p plan) uint64 {
	person := t.from.User
	if t.second {
		person = "" // anybody's but one
	}
	return t.bits(sealBits, "seal", append(t.place(), person, t.verb, number(t.minute), p.Region, p.Instance, seconds(p.Expires.Time))...)
}

// place is where a code counts.
func (t ticket) place() []string {
	mode := "self"
	if t.second {
		mode = "second"
	}
	return []string{mode, t.from.Platform, t.from.Tenant, t.from.Channel}
}

// bits are the first so many of a MAC over the parts.
func (c coder) bits(n uint, kind string, parts ...string) uint64 {
	return binary.BigEndian.Uint64(mac(c.key, append([]string{"code 2", kind}, parts...)...)) >> (64 - n)
}

// mac is over the parts and their lengths, so that none runs into the next.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return h.Sum(nil)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func seconds(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return number(t.Unix())
}
