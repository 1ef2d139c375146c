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

// A code has 16 characters from an alphabet of 28 letters and digits. The alphabet lacks
// characters that look like others: 0 and O, 1, I and L, and B, S and Z (8, 5 and 2). The
// code is a number of almost 77 bits, the highest bits first:
//
//	 4  verb       1 update, 2 enable, 3 disable, 4 approve; 4 more if the plan is in Chinese
//	 4  minute     the lowest bits of the minute in which it was given
//	11  selector   of the instance: a keyed hash of its region and id
//	10  check      a MAC of all other bits, the whole minute, place and person
//	48  seal       a MAC of the whole plan: minute, verb, language, region, instance,
//	               expiry of the certificate, place and person
//
// A process that never saw the plan needs only the code. The check needs no call of the
// API. Before the bot hands work over, the check finds a code that was mistyped,
// invented, or given to another person. It misses one such code in a thousand. The seal
// decides. To compare it, the bot reads the certificates of the few instances that the
// selector fits. Nobody can guess its 48 bits in the few attempts that [pauses] allows.
//
// If a second person has to confirm, the seal does not depend on a person, because the
// second person is not known yet. The check still depends on the first person, so that
// the bot recognises and refuses the first person's own code.
const (
	codeAlphabet = "23456789ACDEFGHJKMNPQRTUVWXY"
	codeLength   = 16
	codeGroup    = 4

	minuteBits, selectorBits, checkBits, sealBits = 4, 11, 10, 48
)

// lookAlikes replaces characters that look like a character of the alphabet.
var lookAlikes = strings.NewReplacer("B", "8", "S", "5", "Z", "2")

// plan is the change for which a code is given.
type plan struct {
	Verb     string
	Instance string
	Region   string
	Expires  handler.Time // expiry of the certificate in the plan; zero while encryption is off
}

func (p plan) ref() handler.Ref { return handler.Ref{RegionID: p.Region, InstanceID: p.Instance} }

// codeVerbs lists the verbs by their number in a code. codeLanguage is added to the
// number for Chinese. 28^16 is more than 15 × 2^73, so the sums fit.
var codeVerbs = []string{1: "update", 2: "enable", 3: "disable", 4: approve}

const codeLanguage = 4

// coder makes and reads codes.
type coder struct {
	key    []byte
	second bool // a second person confirms
}

// code makes the code of a plan, for the sender of the message.
func (c coder) code(p plan, m Message, chinese bool, now time.Time) string {
	minute := now.Unix() / 60
	t := ticket{coder: c, from: m, minute: minute, verb: p.Verb, chinese: chinese, selector: c.selectorOf(p.ref())}
	t.seal = t.sealOf(p)
	return t.write()
}

// write returns the text of a ticket.
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

// grouped inserts dashes into a code.
func grouped(s string) string {
	var groups []string
	for ; len(s) > codeGroup; s = s[codeGroup:] {
		groups = append(groups, s[:codeGroup])
	}
	return strings.Join(append(groups, s), "-")
}

// verbNumber is the number of a verb and a language in a code.
func verbNumber(verb string, chinese bool) uint64 {
	n := slices.Index(codeVerbs, verb)
	if chinese {
		n += codeLanguage
	}
	return uint64(n)
}

// selectorOf is the selector of an instance.
func (c coder) selectorOf(ref handler.Ref) uint64 {
	return c.bits(selectorBits, "instance", ref.RegionID, ref.InstanceID)
}

// check computes the check of a ticket from all its other bits, the place, the person and
// the minute.
func (t ticket) check() uint64 {
	return t.bits(checkBits, "check", append(t.place(), t.from.User, number(int64(verbNumber(t.verb, t.chinese))), number(t.minute), number(int64(t.selector)), number(int64(t.seal)))...)
}

// sealOf computes the seal of a plan in a place, for a person and a minute.
func (t ticket) sealOf(p plan) uint64 {
	person := t.from.User
	if t.second {
		person = "" // every person may confirm, except the first one
	}
	return t.bits(sealBits, "seal", append(t.place(), person, number(int64(verbNumber(t.verb, t.chinese))), number(t.minute), p.Region, p.Instance, seconds(p.Expires.Time))...)
}

// place identifies the place where a code is valid.
func (t ticket) place() []string {
	mode := "self"
	if t.second {
		mode = "second"
	}
	return []string{mode, t.from.Platform, t.from.Tenant, t.from.Channel}
}

// bits are the first n bits of a MAC over the parts.
func (c coder) bits(n uint, kind string, parts ...string) uint64 {
	return binary.BigEndian.Uint64(mac(c.key, append([]string{"code 4", kind}, parts...)...)) >> (64 - n)
}

// mac covers the parts and their lengths, so that different parts never give the same
// input.
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
