package chatops

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"tairssl/adapters/notify"
	"tairssl/adapters/webhook"
)

// Platform describes one chat. Its file contains nothing about other chats. The routes,
// the rules, the doctor and "tairssl sign" use these values.
type Platform struct {
	Name  string // name in rules
	Title string // name in messages
	Route string
	// Setting opens the route. It is named without the prefix.
	Setting string
	// Media is the media type that the platform sends.
	Media string
	// Sample makes an unsigned body in which a person says a text.
	Sample func(Speaker) []byte
	// Sign makes the request in which the platform sends a body, signed with one of the
	// secrets of Setting.
	Sign func(secret string, now time.Time, body []byte) (Signed, error)
	// Read decrypts an answer. It is nil if the platform's answers are not encrypted.
	Read func(secret string, answer []byte) (string, error)

	// buttons says that notices on this platform may have a button, which sends
	// Message.Invitation.
	buttons  bool
	within   time.Duration // time limit of its answer
	methods  string        // allowed HTTP methods; "" for POST only
	media    func(string) bool
	hosts    []string // hosts that take answers, by the platform's documentation
	schemes  func(Settings) []webhook.Scheme
	unsigned func(webhook.Request) bool // answers requests that need no signature; nil if there are none
	decode   func(*Chat, *Platform, webhook.Request) heard
	// encode writes the body that answers a message.
	encode func(*Chat, webhook.Request, heard, Reply)
	// later gives the message that sends an answer to Message.Reply later. It is nil if
	// the platform has no later answers.
	later func(c *Chat, p *Platform, to Address, r Reply) (notify.Send, error)
	// unseen says which missing setting hides answers from people; "" if people see all
	// answers. It is nil if a platform never hides answers.
	unseen func(*Chat, *Platform) string
}

// Speaker is the sender, the place and the text of a sample.
type Speaker struct {
	Tenant, User, Channel, Text string
	Token                       string // Feishu's verification token, which is part of its messages
}

// Signed is a platform's request without its route.
type Signed struct {
	Query  url.Values
	Header http.Header
	Body   []byte
}

// signedBy is a body with its proof in headers.
func signedBy(h http.Header, body []byte) Signed { return Signed{Header: h, Body: body} }

// Settings are the operator's settings for all platforms, one line for each.
type Settings struct {
	SlackSettings
	DingTalkSettings
	FeishuSettings
	TeamsSettings
	MattermostSettings
	WeComSettings
}

// Platforms lists all platforms.
var Platforms = []*Platform{&slack, &dingTalk, &feishu, &teams, &mattermost, &weCom}

// names lists the names that a rule may use.
func names() (names []string) {
	for _, p := range Platforms {
		names = append(names, p.Name)
	}
	return names
}

// heard is a request after the platform's file has read it.
type heard struct {
	Message
	id string // id of the message; a repeated delivery has the same id
	// unread says why the message cannot be understood; "" if it can be understood.
	unread string
	// done says that there is nothing to do: the request is answered, or gets an empty
	// object.
	done bool
	// to is the address for a later answer, as the message contains it. Its host may be
	// forbidden.
	to string
	// posted says that nobody sees the body of the answer, so the answer is posted as
	// well.
	posted bool
	// event says that the body of the answer is ignored.
	event bool
	// pressed says that a button was pressed.
	pressed bool
}

// Open reports whether any chat is open.
func (s Settings) Open() bool {
	return slices.ContainsFunc(Platforms, func(p *Platform) bool { return len(p.schemes(s)) > 0 })
}
