package webhooktest

import (
	"net/http"
	"strings"
)

// Forgery is a message that a route must refuse.
type Forgery struct {
	Header http.Header
	Body   string
}

// Forgeries changes one thing at a time in an authentic message. The body is changed only
// if the message has no header Authorization, because a static secret does not cover it.
func Forgeries(header http.Header, body string) map[string]Forgery {
	all := map[string]Forgery{}
	for name := range header {
		if name == "Content-Type" {
			continue
		}
		value := header.Get(name)
		for change, values := range map[string][]string{
			"without ": nil, "empty ": {""}, "doubled ": {value, value}, "malformed ": {"%%% \x00"}, "cut ": {value[:len(value)-1]},
			"longer ": {value + "0"}, "one bit of ": {flipped(value)}, "huge ": {strings.Repeat(value, 1000)},
		} {
			forged := header.Clone()
			if forged[name] = values; values == nil {
				delete(forged, name)
			}
			all[change+name] = Forgery{forged, body}
		}
	}
	if header.Get("Authorization") == "" {
		all["one bit of the body"] = Forgery{header, flipped(body)}
		all["a byte more"] = Forgery{header, body + " "}
	}
	all["another scheme"] = Forgery{http.Header{"Authorization": {"Digest x"}}, body}
	all["nothing at all"] = Forgery{nil, body}
	return all
}

// flipped changes one bit in the middle of a text.
func flipped(s string) string {
	if s == "" {
		return "x"
	}
	b := []byte(s)
	b[len(b)/2] ^= 1
	return string(b)
}
