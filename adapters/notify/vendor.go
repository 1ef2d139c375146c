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

// vendor describes one kind of place.
type vendor struct {
	hosts []string // the allowed hosts, with "*" for any beginning; nil allows any host
	path  string   // the required path, or its beginning if it ends in a slash
	query string   // the required parameter; "" for none
	// anyQuery says that the vendor puts its own parameters into the URL.
	anyQuery bool
	// sign makes a key of the parameter secret; nil if the vendor uses no signature.
	sign     func(secret string) ([]byte, error)
	unsigned bool    // the parameter secret is optional
	app      *vendor // another kind of place on the same hosts, recognised by its path
	bearer   bool    // messages need an access token: see Options.Token
	limit    int     // greatest size of a body, in bytes
	compose  func(t *target, d digest, now time.Time) Post
	// accepted reads an answer. A nil error means that the vendor took the message.
	accepted func(status int, body []byte) error
}

// vendors lists the vendors by the scheme of their URLs.
var vendors = map[string]*vendor{
	"slack":      &slack,
	"dingtalk":   &dingtalk,
	"feishu":     &feishu,
	"wecom":      &wecom,
	"teams":      &teams,
	"mattermost": &mattermost,
	"webhook":    &webhook,
}

// at reports whether a host belongs to the vendor.
func (v *vendor) at(host string) bool {
	return slices.ContainsFunc(v.hosts, func(own string) bool {
		end, open := strings.CutPrefix(own, "*")
		name, _ := strings.CutSuffix(host, ":443") // Power Automate puts the port into its URLs
		return host == own || open && strings.HasSuffix(name, end) && len(name) > len(end)
	})
}

// posted is a post of JSON.
func posted(t *target, v any) Post {
	return Post{URL: t.url, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: handler.JSON(v)}
}

// fit composes a message within the vendor's limit. If the message is too long, it counts
// the last lines instead of showing them.
func (t *target) fit(d digest, now time.Time) Post {
	p := t.compose(t, d, now)
	for len(p.Body) > t.limit && len(d.lines) > 1 {
		d.drop()
		p = t.compose(t, d, now)
	}
	return p
}

// asIs uses a secret as the key.
func asIs(secret string) ([]byte, error) { return []byte(secret), nil }

func mac(key []byte, message string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// plain replaces the markup of DingTalk and WeCom by similar characters, because neither
// vendor documents an escape. So the text cannot contain a link, an image, a tag or bold
// type.
var plain = strings.NewReplacer("<", "＜", ">", "＞", "[", "［", "]", "］", "*", "＊", "`", "'", "\\", "＼", "\n", " ", "\r", " ")

// markdown writes a digest for DingTalk, WeCom and Mattermost. between separates two
// paragraphs.
func markdown(d digest, between string) string { return strings.Join(paragraphs(d), between) }

// paragraphs writes a digest in markdown that DingTalk, WeCom and Mattermost understand.
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
