package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"tairssl/handler"
)

// vendor is how one kind of place is spoken to.
type vendor struct {
	hosts []string // the only ones, or a star and their end; none: any
	path  string   // what the path is, or begins with if it ends in a slash
	query string   // the parameter that has to be there, if any
	// anyQuery says that the vendor puts parameters of its own into the URL.
	anyQuery bool
	// sign makes a key of the parameter secret; nil: the vendor signs nothing.
	sign     func(secret string) ([]byte, error)
	unsigned bool    // secret may be left out
	app      *vendor // another way to the same hosts, which its path shows
	bearer   bool    // a message carries an access token: see Options.Token
	limit    int     // bytes of a body
	compose  func(t *target, d digest, now time.Time) Post
	// accepted reads an answer; a nil error says that the message was taken.
	accepted func(status int, body []byte) error
}

// vendors are by the scheme of their URLs.
var vendors = map[string]*vendor{
	"slack":      &slack,
	"dingtalk":   &dingtalk,
	"feishu":     &feishu,
	"wecom":      &wecom,
	"teams":      &teams,
	"mattermost": &mattermost,
	"webhook":    &webhook,
}

// at reports whether a host is one of the vendor's.
func (v *vendor) at(host string) bool {
	return slices.ContainsFunc(v.hosts, func(own string) bool {
		end, open := strings.CutPrefix(own, "*")
		name, _ := strings.CutSuffix(host, ":443") // as Power Automate writes its URLs
		return host == own || open && strings.HasSuffix(name, end) && len(name) > len(end)
	})
}

// posted is a post of JSON.
func posted(t *target, v any) Post {
	return Post{URL: t.url, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: handler.JSON(v)}
}

// fit composes a message within the vendor's limit, by counting lines that it
// would have named.
func (t *target) fit(d digest, now time.Time) Post {
	p := t.compose(t, d, now)
	for len(p.Body) > t.limit && len(d.lines) > 1 {
		d.drop()
		p = t.compose(t, d, now)
	}
	return p
}

// asIs takes a secret for the key.
func asIs(secret string) ([]byte, error) { return []byte(secret), nil }

func mac(key []byte, message string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// plain takes the markup of DingTalk and WeCom out of a text, for neither
// documents an escape: look-alikes stand for what makes links, images, tags and
// bold type.
var plain = strings.NewReplacer("<", "＜", ">", "＞", "[", "［", "]", "］", "*", "＊", "`", "'", "\\", "＼", "\n", " ", "\r", " ")

// markdown writes a digest for DingTalk, WeCom and Mattermost; between is what
// ends a paragraph.
func markdown(d digest, between string) string { return strings.Join(paragraphs(d), between) }

// paragraphs are a digest in the markdown that all of them know.
func paragraphs(d digest) []string {
	parts := []string{"**" + plain.Replace(d.title) + "**"}
	for _, l := range d.lines {
		parts = append(parts, "**"+plain.Replace(l.who)+"**: "+plain.Replace(l.text(d.most)))
	}
	if rest := d.rest(); rest != "" {
		parts = append(parts, rest)
	}
	for _, n := range d.next {
		text := "> " + plain.Replace(n.text)
		if n.url != "" {
			text += ": [" + n.url + "](" + n.url + ")"
		}
		parts = append(parts, text)
	}
	return parts
}
