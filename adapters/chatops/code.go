package chatops

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"tairssl/handler"
)

// codeLife is how long a code may be used.
const codeLife = 5 * time.Minute

// plan is what a code stands for.
type plan struct {
	Verb     string
	Instance string
	Region   string
	Expires  handler.Time // of the certificate that was seen; zero while encryption is off
	Deadline time.Time
}

func (p plan) ref() handler.Ref { return handler.Ref{RegionID: p.Region, InstanceID: p.Instance} }

var (
	errCode   = errors.New("that code is not one of mine, or was given to somebody else or elsewhere. Ask for the change again")
	errLate   = errors.New("that code is too old: it holds for 5 minutes. Ask for the change again")
	errSelf   = errors.New("somebody else has to confirm this, with the right to do it")
	errNoCode = errors.New("changes by chat are switched off: an operator has to set TAIRSSL_CONFIRM_KEY")
	errNoHand = errors.New("changes by chat are switched off: nothing here can go on after the answer")
)

// code writes a plan for whoever asked: verb, instance, region, expiry,
// deadline, asker and MAC, with a dot between them.
func code(key []byte, p plan, m Message) string {
	open := strings.Join([]string{p.Verb, p.Instance, p.Region, seconds(p.Expires.Time), seconds(p.Deadline), asker(key, m)}, ".")
	return open + "." + sign(key, open, m)
}

// asker stands for a person in a code, without telling who it is.
func asker(key []byte, m Message) string {
	return hex.EncodeToString(mac(key, "asker", m.Platform, m.Tenant, m.User)[:8])
}

// sign binds a code to the platform, the tenant and the channel in which it was
// given; the asker is in it already. Hexadecimal, for an underscore would be
// formatting to some platforms.
func sign(key []byte, open string, m Message) string {
	return hex.EncodeToString(mac(key, "code", m.Platform, m.Tenant, m.Channel, open)[:16])
}

// mac is over the parts and their lengths, so that none runs into the next.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return h.Sum(nil)
}

func seconds(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// read opens a code that m uses: it must have been made with the key, for this
// place, and be used in time, by the asker or, if second, by anybody else.
func read(key []byte, text string, m Message, second bool, now time.Time) (plan, error) {
	open, signature, _ := cutLast(text)
	if !hmac.Equal([]byte(signature), []byte(sign(key, open, m))) {
		return plan{}, errCode
	}
	fields := strings.Split(open, ".")
	if len(fields) != 6 {
		return plan{}, errCode
	}
	expires, err1 := strconv.ParseInt(fields[3], 10, 64)
	deadline, err2 := strconv.ParseInt(fields[4], 10, 64)
	if err1 != nil || err2 != nil {
		return plan{}, errCode
	}
	p := plan{Verb: fields[0], Instance: fields[1], Region: fields[2], Deadline: time.Unix(deadline, 0)}
	if expires != 0 {
		p.Expires = handler.At(time.Unix(expires, 0))
	}
	self := hmac.Equal([]byte(fields[5]), []byte(asker(key, m)))
	switch {
	case !second && !self:
		return plan{}, errCode
	case now.After(p.Deadline):
		return plan{}, errLate
	case second && self:
		return plan{}, errSelf
	}
	return p, nil
}

// cutLast cuts at the last dot.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// used remembers the codes that were used, for as long as they hold. It only
// spares an invocation: what keeps a code from working twice, in any number of
// processes, is the lease and the certificate's expiry.
type used struct {
	mu    sync.Mutex
	codes map[string]time.Time
}

func (u *used) first(code string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.codes == nil {
		u.codes = map[string]time.Time{}
	}
	for old, at := range u.codes {
		if now.Sub(at).Abs() > 2*codeLife {
			delete(u.codes, old)
		}
	}
	if _, again := u.codes[code]; again {
		return false
	}
	u.codes[code] = now
	return true
}

func (u *used) forget(code string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.codes, code)
}
