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

// ChatOptions are what the chats need beside their bot.
type ChatOptions struct {
	Settings Settings
	// ReplyHosts are the exact hosts to which an answer may be sent, beside those
	// that a platform documents as its own.
	ReplyHosts []string
	// Transport makes those requests; default http.DefaultTransport.
	Transport http.RoundTripper
	// Undelivered is told once for each answer that could not be sent.
	Undelivered func(context.Context)
	// Line takes what is to be logged of handed work, once; default: a line of Log.
	Line func(context.Context, slog.Level, ...slog.Attr)
	Log  *slog.Logger     // default: none
	Now  func() time.Time // default time.Now
}

// Chat is the bot's way in and out: the routes of all platforms, and the answers
// that are sent to them. It is safe for concurrent use.
type Chat struct {
	ChatOptions
	bot    *Bot
	heard  once // messages, which platforms send again if they waited too long
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

// maxChat bounds the body of a chat's request, in bytes.
const maxChat = 64 << 10

// Routes are those of the platforms whose secrets are set.
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

// Unseen says in which open chats people do not see every answer, and what would
// mend it.
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

// serve answers a message. It is answered 200 once it is authentic, whatever it
// says.
func (c *Chat) serve(p *Platform, q webhook.Request) {
	h := p.decode(c, p, q)
	h.Platform, h.Trust = p.Name, q.Trust()
	if h.unread != "" {
		q.Note(slog.String("unread", h.unread))
	}
	switch {
	case h.done:
	case h.unread != "":
		p.encode(c, q, h, text("I cannot read that message: "+h.unread+"."))
	case h.id != "" && !c.heard.first(p.Name+" "+h.id, c.Now(), repeatedFor):
		q.Note(slog.Bool("repeated", true))
		q.Write(http.StatusOK, []byte("{}")) // any 200 ends it
	default:
		reply := c.say(q, h)
		if h.posted && h.to != "" {
			c.send(p, q, h, reply)
		}
		p.encode(c, q, h, reply)
	}
}

// say asks the bot.
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
		reply.Decided = "" // the notice stays, for it may tell of others, too
	}
	return reply
}

// read reads JSON that a platform sent. A field of another type than documented counts
// as one that is not there: vendors put odd values into fields that nobody needs.
func read(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	if odd, is := err.(*json.UnmarshalTypeError); is && odd.Field != "" {
		return nil
	}
	return err
}

// answer writes a body of JSON.
func answer(q webhook.Request, v any) { q.Write(http.StatusOK, handler.JSON(v)) }

// ignored answers a request that asks for nothing.
func ignored(q webhook.Request) heard {
	q.Write(http.StatusOK, []byte("{}"))
	return heard{done: true}
}

// plain takes out of a text what begins a link, a picture, a tag or code in
// markdown: reasons hold what others wrote, tags and certificates' names among
// it, and DingTalk knows no escapes. A star stays, for rules are copied.
var plain = strings.NewReplacer("<", "＜", ">", "＞", "[", "［", "]", "］", "`", "'", "\\", "＼", "\n", " ", "\r", " ")

// markdown joins lines so that each stays a line of its own where markdown
// would run them together.
func markdown(r Reply) string {
	lines := make([]string, len(r.Lines))
	for i, line := range r.Lines {
		lines[i] = plain.Replace(line)
	}
	return strings.Join(lines, "\n\n")
}

// visible says who sees the answer to a slash command: whoever gave it, unless
// somebody else has to.
func visible(r Reply) string {
	if r.Public {
		return "in_channel"
	}
	return "ephemeral"
}

// post is a message of JSON.
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
