package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

// Chat is what the chat routes need beside their secrets.
type Chat struct {
	Bot *chatops.Bot
	// ReplyHosts are the exact hosts to which an answer may be sent, beside those
	// that a platform documents as its own.
	ReplyHosts []string
	// Transport makes those requests; default http.DefaultTransport.
	Transport http.RoundTripper
}

// Unseen says in which open chats people do not see every answer, and what would
// mend it.
func (h *Handler) Unseen() (faults []string) {
	if h.Open("/feishu") && !h.feishuReplies() {
		faults = append(faults, "nobody sees an answer in Feishu: TAIRSSL_FEISHU_APP_ID or TAIRSSL_FEISHU_APP_SECRET is missing")
	}
	if h.Open("/mattermost") && !slices.ContainsFunc(h.Chat.ReplyHosts, func(host string) bool { return h.mayReply("mattermost", host) }) {
		faults = append(faults, "nobody in Mattermost is told how a change ended: the host of your Mattermost is missing in TAIRSSL_CHAT_REPLY_HOSTS")
	}
	return faults
}

// How long an answer may take, from the receipt of the request: the platform's
// limit of 3 s, and 5 s of Teams, less the way. What lasts longer is handed over.
const (
	shortLimit = 2500 * time.Millisecond
	longLimit  = 4 * time.Second
	// postLimit is the time reserved for sending an answer, if the invocation
	// lasts: where the platform shows nobody the body, a late answer is better
	// than none.
	postLimit = time.Second
	// bodyTime is reserved for getting the answer out, postTime for posting it
	// first.
	bodyTime = 100 * time.Millisecond
	postTime = 600 * time.Millisecond
)

type beganKey struct{}

// Began returns the context of a request that came at a time before it reaches
// the handler: a function may have had to start first.
func Began(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, beganKey{}, at)
}

// beganAt is when a request came.
func beganAt(ctx context.Context) time.Time {
	if at, ok := ctx.Value(beganKey{}).(time.Time); ok {
		return at
	}
	return time.Now()
}

// timeToPost is as long as the route has, and a second at least. Whether the
// platform still waits for the body does not matter.
func (q *request) timeToPost() (context.Context, context.CancelFunc) {
	until := time.Now().Add(postLimit)
	if d, ok := q.http.Context().Deadline(); ok && d.After(until) {
		until = d
	}
	if d, ok := q.invocation.Deadline(); ok && d.Before(until) {
		until = d
	}
	return context.WithDeadline(context.WithoutCancel(q.invocation), until)
}

// say asks the bot. A chat message is answered 200 once it is authentic,
// whatever it says.
func (h *Handler) say(q *request, m chatops.Message) chatops.Reply {
	m.Trust = q.scheme.Trust
	reserved := bodyTime
	if m.Platform == "dingtalk" || m.Platform == "feishu" {
		reserved = postTime
	}
	deadline, _ := q.http.Context().Deadline() // every chat route has one
	ctx, cancel := context.WithDeadline(q.http.Context(), deadline.Add(-reserved))
	defer cancel()
	q.attrs = append(q.attrs, slog.String("trigger", m.Platform))
	return h.Chat.Bot.Say(ctx, m)
}

// reply writes an answer in the platform's own format.
func (q *request) reply(v any) { q.write(http.StatusOK, handler.JSON(v)) }

// unread answers a message that is authentic but makes no sense: the platform
// would show, or send again, anything but a 200.
func (q *request) unread(what string) chatops.Reply {
	q.attrs = append(q.attrs, slog.String("unread", what))
	return chatops.Reply{Lines: []string{"I can not read that message: " + what + "."}}
}

// form reads a form in which no field is doubled.
func form(body []byte) (url.Values, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("it is not a form")
	}
	for name, list := range values {
		if len(list) > 1 {
			return nil, fmt.Errorf("the field %s is doubled", clip(name))
		}
	}
	return values, nil
}

func isForm(media string) bool { return media == "application/x-www-form-urlencoded" }

// plain takes out of a text what begins a link, a picture, a tag or code in
// markdown: reasons hold what others wrote, tags and certificates' names among
// it, and DingTalk knows no escapes. A star stays, for rules are copied.
var plain = strings.NewReplacer("<", "＜", ">", "＞", "[", "［", "]", "］", "`", "'", "\\", "＼", "\n", " ", "\r", " ")

// markdown joins lines so that each stays a line of its own where markdown
// would run them together.
func markdown(r chatops.Reply) string {
	lines := make([]string, len(r.Lines))
	for i, line := range r.Lines {
		lines[i] = plain.Replace(line)
	}
	return strings.Join(lines, "\n\n")
}
