package chatops

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"tairssl/adapters/notify"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// mayReply reports whether a platform's answers may be sent to a host. The host must
// belong to the platform, or the operator must have named it. It must not belong to
// another vendor.
func (c *Chat) mayReply(p *Platform, host string) bool {
	if slices.Contains(p.hosts, host) {
		return true
	}
	name, _, _ := strings.Cut(host, ":")
	for _, other := range c.own {
		if other != p && slices.Contains(other.hosts, name) {
			return false
		}
	}
	return slices.Contains(c.ReplyHosts, host) || slices.Contains(c.ReplyHosts, host+httpsPort)
}

// maxAddress is the greatest length of an address, in bytes. The platforms' own have
// about 200.
const maxAddress = 1 << 10

// address is the address for a later answer; "" if the platform's answers may not be sent
// there.
func (c *Chat) address(p *Platform, to string) Address {
	if _, err := c.target(p, to); err != nil {
		return ""
	}
	return Address(to)
}

// target checks a URL for a platform's answers. It must use HTTPS.
func (c *Chat) target(p *Platform, to string) (*url.URL, error) {
	u, err := url.Parse(to)
	if len(to) > maxAddress || err != nil || u.Scheme != "https" || u.User != nil {
		return nil, errHost
	}
	if u.Host = strings.TrimSuffix(strings.ToLower(u.Host), httpsPort); !c.mayReply(p, u.Host) {
		return nil, errHost
	}
	return u, nil
}

// httpsPort is the port of a URL that names no port.
const httpsPort = ":443"

var errHost = errors.New("the address that came with the message is not the platform's own, and its host is not among TAIRSSL_CHAT_REPLY_HOSTS")

// toURL sends a later answer as JSON to the URL that came with the message.
func (c *Chat) toURL(p *Platform, to Address, message any) (notify.Send, error) {
	post, err := c.postJSON(p, string(to), "", message)
	return sendOf(post), err
}

// sendOf sends a message that needs no access token.
func sendOf(post notify.Post) notify.Send {
	return notify.Send{Accepted: notify.Taken, Make: func(context.Context, bool) (notify.Post, error) { return post, nil }}
}

// tell sends an answer to the address of a message, with the given number of tries.
func (c *Chat) tell(ctx context.Context, p *Platform, to Address, r Reply, tries int) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New(handler.Panicked(ctx, c.Log, v).Message)
		}
		if err != nil {
			c.Undelivered(ctx)
		}
	}()
	if p == nil || p.later == nil {
		return errHost
	}
	message, err := p.later(c, p, to, r)
	if err != nil {
		return err
	}
	message.Tries, message.Lost = tries, true
	sender := notify.Sender{Transport: c.Transport}
	return sender.Send(ctx, message)
}

// send posts an answer whose sender may not see the body of the HTTP response. If the
// platform does not take the answer in time, the message is handed over, and
// another invocation with more time answers it.
func (c *Chat) send(p *Platform, q webhook.Request, h heard, r Reply) {
	if h.Reply == "" {
		c.Undelivered(q.Invocation())
		q.Note(replied(errHost))
		return
	}
	ctx, cancel := timeToPost(q)
	defer cancel()
	err := c.tell(ctx, p, h.Reply, r, 2) // a second try if there is time
	q.Note(replied(err))
	if err != nil && notify.Passing(err) && c.bot.again(q.Invocation(), h.Message) {
		q.Note(slog.Bool("handed", true))
	}
}

// replied is the log field for an answer that was posted.
func replied(err error) slog.Attr {
	if err != nil {
		return slog.String("reply", err.Error())
	}
	return slog.String("reply", "sent")
}

// Handed does the work of a message that [Bot.Say] handed over, and sends the answer to
// the message's address. The payload must be the whole payload of an invocation. The
// error is Unauthorized and means that the payload is not from this bot.
//
// Handed returns no error if the work fails: a person reads the answer and decides
// whether to ask again. After an error, the platform would repeat the work as well.
// Handed also returns no error if the answer cannot be sent. The log has the reason, and
// a repetition would find the change already made.
func (c *Chat) Handed(ctx context.Context, payload []byte) error {
	m, err := c.bot.Open(payload)
	if err != nil {
		c.Line(ctx, slog.LevelError, slog.String("trigger", "handed"), slog.Int("bytes", len(payload)), slog.String("denied", err.Error()))
		return err
	}
	work, cancel := handler.ReplyMargin.Before(ctx)
	defer cancel()
	reply := c.bot.Finish(work, m)
	attrs := []slog.Attr{slog.String("trigger", "handed/"+m.Platform), slog.Int("bytes", len(payload))}
	level := slog.LevelInfo
	if m.Reply != "" {
		telling, cancel := timeToReply(ctx)
		defer cancel()
		err := c.tell(telling, c.platform(m.Platform), m.Reply, reply, replyTries)
		if attrs = append(attrs, replied(err)); err != nil {
			level = slog.LevelWarn
		}
	}
	c.Line(ctx, level, attrs...)
	return nil
}

// platform finds a platform by its name; nil if the name is unknown.
func (c *Chat) platform(name string) *Platform {
	for _, p := range c.own {
		if p.Name == name {
			return p
		}
	}
	return nil
}
