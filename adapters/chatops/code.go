package chatops

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// A code is 16 letters and digits of an alphabet of 28, in which no two look
// alike: neither 0 O 1 I L, nor B S Z beside 8 5 2. That is a number of almost 77
// bits, the highest first:
//
//	 4  verb       1 update, 2 enable, 3 disable, 4 approve; 4 more if the plan is in Chinese
//	 4  minute     in which it was given, its low bits
//	11  selector   of the instance: a keyed hash of its region and id
//	10  check      a MAC of all the other bits, the whole minute, place and person
//	48  seal       a MAC of the whole plan: minute, verb, language, region, instance,
//	               expiry of the certificate that was seen, place and person
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

	minuteBits, selectorBits, checkBits, sealBits = 4, 11, 10, 48
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

// codeVerbs are the verbs in a code by their numbers, and codeLanguage is what is added
// to these in Chinese. 28^16 is more than 15 × 2^73, so the sums fit.
var codeVerbs = []string{1: "update", 2: "enable", 3: "disable", 4: approve}

const codeLanguage = 4

// coder makes and reads codes.
type coder struct {
	key    []byte
	second bool // somebody else confirms
}

// code writes a plan for whoever asked, in a language.
func (c coder) code(p plan, m Message, chinese bool, now time.Time) string {
	minute := now.Unix() / 60
	t := ticket{coder: c, from: m, minute: minute, verb: p.Verb, chinese: chinese, selector: c.selectorOf(p.ref())}
	t.seal = t.sealOf(p)
	return t.write()
}

// write gives the text of a ticket.
func (t ticket) write() string {
	n := new(big.Int).SetUint64(verbNumber(t.verb, t.chinese))
	push := func(value uint64, bits uint) {
		n.Lsh(n, bits).Or(n, new(big.Int).SetUint64(value&(1<<bits-1)))
	}
	push(uint64(t.minute), minuteBits)
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

// verbNumber is what a code says of verb and language.
func verbNumber(verb string, chinese bool) uint64 {
	n := slices.Index(codeVerbs, verb)
	if chinese {
		n += codeLanguage
	}
	return uint64(n)
}

// selectorOf is what a code says of an instance.
func (c coder) selectorOf(ref handler.Ref) uint64 {
	return c.bits(selectorBits, "instance", ref.RegionID, ref.InstanceID)
}

// check binds all other bits to place, person and minute.
func (t ticket) check() uint64 {
	return t.bits(checkBits, "check", append(t.place(), t.from.User, number(int64(verbNumber(t.verb, t.chinese))), number(t.minute), number(int64(t.selector)), number(int64(t.seal)))...)
}

// sealOf binds a plan to place, person and minute.
func (t ticket) sealOf(p plan) uint64 {
	person := t.from.User
	if t.second {
		person = "" // anybody's but one
	}
	return t.bits(sealBits, "seal", append(t.place(), person, number(int64(verbNumber(t.verb, t.chinese))), number(t.minute), p.Region, p.Instance, seconds(p.Expires.Time))...)
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
	return binary.BigEndian.Uint64(mac(c.key, append([]string{"code 4", kind}, parts...)...)) >> (64 - n)
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
