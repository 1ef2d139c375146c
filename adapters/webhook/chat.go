package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	// ReplyHosts are the exact hosts to which an answer may be sent, beside the
	// one in the body; none by default.
	ReplyHosts []string
	// Transport makes those requests; default http.DefaultTransport.
	Transport http.RoundTripper
}

// Unseen says of which open chats nobody, or not everybody, sees the answers, and
// what would mend it.
func (h *Handler) Unseen() (faults []string) {
	reply := func(hosts ...string) bool {
		return slices.ContainsFunc(h.Chat.ReplyHosts, func(host string) bool { return slices.Contains(hosts, host) })
	}
	const set = "its host is missing in TAIRSSL_CHAT_REPLY_HOSTS"
	if h.Open("/feishu") && (h.Feishu.AppID == "" || h.Feishu.AppSecret == "") {
		faults = append(faults, "nobody sees an answer in Feishu: TAIRSSL_FEISHU_APP_ID or TAIRSSL_FEISHU_APP_SECRET is missing")
	}
	if h.Open("/feishu") && !reply(larkHosts...) {
		faults = append(faults, "nobody sees an answer in Feishu: "+set+", open.feishu.cn or open.larksuite.com")
	}
	if h.Open("/slack") && !reply("hooks.slack.com", "hooks.slack-gov.com") {
		faults = append(faults, "nobody sees what a button does in Slack: "+set+", hooks.slack.com")
	}
	if h.Open("/dingtalk") && !reply("oapi.dingtalk.com") {
		faults = append(faults, "an answer in DingTalk may be seen by nobody: "+set+", oapi.dingtalk.com")
	}
	return faults
}

// How long an answer may take: the platform's limit, less the way.
const (
	shortLimit = 2800 * time.Millisecond
	longLimit  = 4700 * time.Millisecond
	// postLimit is what sending an answer may take at least, if the invocation
	// lasts: where the platform shows nobody the body, a late answer is better
	// than none.
	postLimit = time.Second
)

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
	m.Weak = q.scheme.Weak
	// The bot has to be done a little earlier, so that its answer gets out.
	deadline, _ := q.http.Context().Deadline() // every chat route has one
	ctx, cancel := context.WithDeadline(q.http.Context(), deadline.Add(-100*time.Millisecond))
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

var errHost = errors.New("its host is not among TAIRSSL_CHAT_REPLY_HOSTS")

// post sends an answer to one of the hosts that the configuration names, by
// HTTPS and without following anything. Its errors hold no URL.
func (h *Handler) post(ctx context.Context, target string, bearer string, body, into any) error {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(h.Chat.ReplyHosts, u.Host) {
		return errHost
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(handler.JSON(body)))
	if err != nil {
		return errHost
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	client := http.Client{Transport: h.Chat.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error // its text is the URL, which is a secret
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxChat))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered with status %d", resp.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// send posts an answer to an address that came with the message, if any host is
// configured.
func (h *Handler) send(q *request, target string, answer any) {
	if target == "" || len(h.Chat.ReplyHosts) == 0 {
		return
	}
	ctx, cancel := q.timeToPost()
	defer cancel()
	q.sent(h.post(ctx, target, "", answer, nil))
}

// sent logs what became of an answer that was posted.
func (q *request) sent(err error) {
	result := "sent"
	if err != nil {
		result = err.Error()
	}
	q.attrs = append(q.attrs, slog.String("reply", result))
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
