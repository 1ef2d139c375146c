package chatops

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"tairssl/adapters/notify"
	"tairssl/adapters/webhook"
)

// Platform is all that is known of one chat: its file holds nothing of another.
// Routes, rules, the doctor and "tairssl sign" read these values.
type Platform struct {
	Name  string // as a rule names it
	Title string // as people call it
	Route string
	// Setting is the one that opens the route, without prefix.
	Setting string
	// Media is what the platform sends.
	Media string
	// Sample is a body in which somebody says a text, before it is signed.
	Sample func(Speaker) []byte
	// Sign gives the request by which the platform sends a body, signed by one of the
	// secrets of Setting.
	Sign func(secret string, now time.Time, body []byte) (Signed, error)
	// Read gives what an answer says that is encrypted; nil where none is.
	Read func(secret string, answer []byte) (string, error)

	// buttons says that a notice may have a button, which sends Message.Invitation.
	buttons  bool
	within   time.Duration // how soon its answer has to be there
	methods  string        // that it uses; "" for POST
	media    func(string) bool
	hosts    []string // where it takes answers, by its own documentation
	schemes  func(Settings) []webhook.Scheme
	unsigned func(webhook.Request) bool // serves what needs no signature; nil: nothing
	decode   func(*Chat, *Platform, webhook.Request) heard
	// encode writes the body that answers a message.
	encode func(*Chat, webhook.Request, heard, Reply)
	// later gives the message that answers later, where Message.Reply says. nil: the
	// platform has no way to.
	later func(c *Chat, p *Platform, to Address, r Reply) (notify.Send, error)
	// unseen says why people do not see some answers, and what would mend it.
	unseen func(*Chat, *Platform) string
}

// Speaker is who says something in a sample.
type Speaker struct {
	Tenant, User, Channel, Text string
	Token                       string // Feishu's verification token, which its messages hold
}

// Signed is what a request of a platform holds beside its route.
type Signed struct {
	Query  url.Values
	Header http.Header
	Body   []byte
}

// signedBy is a body whose proof stands in headers.
func signedBy(h http.Header, body []byte) Signed { return Signed{Header: h, Body: body} }

// Settings are the operator's for all platforms: one line for each.
type Settings struct {
	SlackSettings
	DingTalkSettings
	FeishuSettings
	TeamsSettings
	MattermostSettings
	WeComSettings
}

// Platforms are all that there are.
var Platforms = []*Platform{&slack, &dingTalk, &feishu, &teams, &mattermost, &weCom}

// names are those that a rule may name.
func names() (names []string) {
	for _, p := range Platforms {
		names = append(names, p.Name)
	}
	return names
}

// heard is a request of a platform as its file reads it.
type heard struct {
	Message
	id string // of what is delivered; what is sent again has the same
	// unread says what is wrong with a message that makes no sense.
	unread string
	// done says that nothing is asked for: the request was answered, or is by an
	// empty object.
	done bool
	// to is the address of the answer as it came, whether it may be used or not.
	to string
	// posted says that nobody sees the body of the answer, so it is posted too.
	posted bool
	// event says that the body is no answer at all.
	event bool
	// pressed says that a button was pressed, not something written.
	pressed bool
}

// Open reports whether any chat is.
func (s Settings) Open() bool {
	return slices.ContainsFunc(Platforms, func(p *Platform) bool { return len(p.schemes(s)) > 0 })
}
