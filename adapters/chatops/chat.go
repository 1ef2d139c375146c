package chatops

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tairssl/adapters/notify"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// ChatOptions are the options of a [Chat]. Its bot has [Options].
type ChatOptions struct {
	Settings Settings
	// ReplyHosts lists further hosts to which answers may be sent, by their exact names.
	// The hosts in a platform's documentation are always allowed.
	ReplyHosts []string
	// Transport makes the requests; default: http.DefaultTransport.
	Transport http.RoundTripper
	// Undelivered is called once for each answer that could not be sent.
	Undelivered func(context.Context)
	// Line logs the fields of handed work, once; default: a line in Log.
	Line func(context.Context, slog.Level, ...slog.Attr)
	Log  *slog.Logger     // default: no log
	Now  func() time.Time // default: time.Now
}

// Chat connects the bot with the platforms: it has their routes, and it sends answers to
// them. It is safe for concurrent use.
type Chat struct {
	ChatOptions
	bot    *Bot
	heard  once // ids of recent messages, because a platform may send a message again
	tokens tokens
	own    []*Platform
}

// NewChat returns the chats of a bot.
func NewChat(b *Bot, o ChatOptions) *Chat {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Undelivered == nil {
		o.Undelivered = func(context.Context) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Line == nil {
		o.Line = func(ctx context.Context, level slog.Level, attrs ...slog.Attr) {
			o.Log.LogAttrs(ctx, level, "invocation", attrs...)
		}
	}
	return &Chat{ChatOptions: o, bot: b, own: Platforms}
}

// maxChat is the greatest body of a chat's request, in bytes.
const maxChat = 64 << 10

// Routes returns the routes of the platforms whose secrets are set.
func (c *Chat) Routes() map[string]webhook.Route {
	routes := map[string]webhook.Route{}
	for _, p := range c.own {
		schemes := p.schemes(c.Settings)
		if len(schemes) == 0 {
			continue
		}
		routes[p.Route] = webhook.Route{
			Methods: p.methods, Limit: maxChat, Schemes: schemes, Within: p.within, Unsigned: p.unsigned, Media: p.media,
			Serve: func(q webhook.Request) { c.serve(p, q) },
		}
	}
	return routes
}

// Unseen names the open chats in which people do not see every answer. Each text says
// which setting is missing.
func (c *Chat) Unseen() (faults []string) {
	for _, p := range c.own {
		if p.unseen == nil || len(p.schemes(c.Settings)) == 0 {
			continue
		}
		if fault := p.unseen(c, p); fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults
}

// serve answers a request of a platform. The status is 200 if the request is authentic.
// The content of the message does not matter.
func (c *Chat) serve(p *Platform, q webhook.Request) {
	h := p.decode(c, p, q)
	h.Platform, h.Trust = p.Name, q.Trust()
	if h.unread != "" {
		q.Note(slog.String("unread", h.unread))
	}
	switch {
	case h.done:
	case h.unread != "":
		p.encode(c, q, h, text("I cannot read this message: "+h.unread+"."))
	case h.id != "" && !c.heard.first(p.Name+" "+h.id, c.Now(), repeatedFor):
		q.Note(slog.Bool("repeated", true))
		q.Write(http.StatusOK, []byte("{}")) // with any 200, the platform stops sending it again
	default:
		reply := c.say(q, h)
		if h.posted && h.to != "" {
			c.send(p, q, h, reply)
		}
		p.encode(c, q, h, reply)
	}
}

// say lets the bot answer.
func (c *Chat) say(q webhook.Request, h heard) Reply {
	margin := handler.BodyMargin
	if h.posted {
		margin = handler.PostMargin
	}
	ctx, cancel := margin.Before(q.HTTP().Context())
	defer cancel()
	q.Note(slog.String("trigger", h.Platform))
	reply := c.bot.Say(ctx, h.Message)
	if reply.pressed, reply.by = h.pressed, h.User; h.Invitation != "" {
		reply.Decided = "" // the notice stays, because it may be about other instances, too
	}
	return reply
}

// read reads a platform's JSON. A field of another type than documented counts as
// missing, because vendors put odd values into fields that are not used here.
func read(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	if odd, is := err.(*json.UnmarshalTypeError); is && odd.Field != "" {
		return nil
	}
	return err
}

// answer writes a JSON body with status 200.
func answer(q webhook.Request, v any) { q.Write(http.StatusOK, handler.JSON(v)) }

// ignored answers a request that asks for nothing.
func ignored(q webhook.Request) heard {
	q.Write(http.StatusOK, []byte("{}"))
	return heard{done: true}
}

// unreadEvent is an event that cannot be read. The answer is an empty object, because the
// platform shows the answer to an event to nobody.
func unreadEvent(q webhook.Request, why string) heard {
	h := ignored(q)
	h.unread = why
	return h
}

// plain replaces characters that begin a link, a picture, a tag or code in markdown by
// characters that look alike. Reasons contain texts of others, such as tags and names in
// certificates, and DingTalk has no escapes. A star is kept, because people copy rules.
var plain = strings.NewReplacer("<", "＜", ">", "＞", "[", "［", "]", "］", "`", "'", "\\", "＼", "\n", " ", "\r", " ")

// markdown joins lines with empty lines between, because markdown would run them
// together.
func markdown(r Reply) string {
	lines := make([]string, len(r.Lines))
	for i, line := range r.Lines {
		lines[i] = plain.Replace(line)
	}
	return strings.Join(lines, "\n\n")
}

// visible is the response_type of an answer to a slash command. Only the sender sees the
// answer, unless a second person has to confirm.
func visible(r Reply) string {
	if r.Public {
		return "in_channel"
	}
	return "ephemeral"
}

// postJSON makes a POST request with a JSON body, for a host to which answers may be
// sent.
func (c *Chat) postJSON(p *Platform, target, bearer string, body any) (notify.Post, error) {
	u, err := c.target(p, target)
	if err != nil {
		return notify.Post{}, err
	}
	post := notify.Post{URL: *u, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: handler.JSON(body)}
	if bearer != "" {
		post.Header.Set("Authorization", "Bearer "+bearer)
	}
	return post, nil
}
