package chatops

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Message is an authentic message: the text, and the ids of its sender and place.
type Message struct {
	Platform string // name of one of Platforms
	Tenant   string // workspace, company or team
	User     string
	Channel  string
	Text     string
	// Call is the text that people write before a command to send it to the bot: "/tair"
	// or "@tair". It is "" if it is unknown or not needed.
	Call string
	// Invitation is the value of a notice's button. Such a message has no Text.
	Invitation string
	// Trust says how far the platform's signature proves the sender.
	Trust handler.Trust
	// Reply is the address for a later answer; "" if no later answer is possible.
	Reply Address
	// Received is the time of receipt; zero for now.
	Received time.Time
}

// Address is the address for a later answer, in the platform's own form: a URL, or a
// message's id. Everyone who knows it can write into the chat, so no log or text shows
// it.
type Address string

// LogValue keeps the address out of logs.
func (Address) LogValue() slog.Value { return slog.StringValue("[address]") }

// String keeps the address out of texts.
func (Address) String() string { return "[address]" }

// GoString keeps the address out of %#v.
func (Address) GoString() string { return "[address]" }

// Reply is an answer.
type Reply struct {
	// Lines are short, because phones are narrow. They are plain text. The platform's
	// file adds the formatting and escapes the text.
	Lines []string
	// Code confirms the change in Lines; "" if there is nothing to confirm. Lines also
	// contain the code.
	Code string
	// Confirm is the text that confirms, for a button or a link that sends it. Button is
	// the label of the button.
	Confirm, Button string
	// Public says that everybody in the chat has to see the answer, because a second
	// person confirms.
	Public bool
	// Decided says that the pressed button is used up. Its %s is replaced by the person
	// who pressed it. It is "" if the button stays.
	Decided string

	pressed bool   // the answer is to a button
	by      string // id of the person who pressed it
}

// Options configure a [Bot].
type Options struct {
	Allow  Rules
	Key    []byte // key of confirmation codes and of handed work; without it, chats can only read
	Second bool   // a second person has to confirm
	Region string // answers name the region of an instance only if it differs from this region
	// Hand passes work that takes longer than a chat waits to an asynchronous invocation.
	// That invocation passes the payload to [Bot.Open] and [Bot.Finish]. Hand returns
	// when the platform has accepted the work. Without Hand, chats can only read.
	Hand func(ctx context.Context, payload []byte) error
	// Change makes a confirmed change, and logs, counts and reports it like any other
	// change; default: the fleet's Handle.
	Change func(context.Context, handler.Delivery) handler.Result
	// Audit logs the record of a message, once, also if the message was refused; default:
	// a line in Log.
	Audit func(context.Context, ...slog.Attr)
	Log   *slog.Logger     // default: no log
	Now   func() time.Time // default: time.Now
}

// Bot answers messages. It is safe for concurrent use.
type Bot struct {
	Options
	fleet  *fleet.Fleet
	used   once   // used codes; see start
	given  plans  // codes that this process gave
	pauses pauses // for people who use wrong codes
}

// New returns a bot that reads and changes the instances of f.
func New(f *fleet.Fleet, o Options) *Bot {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Audit == nil {
		o.Audit = func(ctx context.Context, attrs ...slog.Attr) { o.Log.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...) }
	}
	if o.Change == nil {
		o.Change = func(ctx context.Context, d handler.Delivery) handler.Result {
			return f.Handle(ctx, []handler.Delivery{d})[0]
		}
	}
	return &Bot{Options: o, fleet: f}
}

// Say answers a message before ctx's deadline in every case. It hands over changes, and
// commands that it cannot answer in time.
func (b *Bot) Say(ctx context.Context, m Message) Reply {
	if m.Received.IsZero() {
		m.Received = b.Now()
	}
	// The command is read first, so that the audit always contains it.
	a := audit{outcome: handler.Unknown}
	c, t, err := b.understand(m, &a)
	var reply Reply
	switch {
	case c.Verb == confirm && b.pauses.active(m, b.Now()):
		a.outcome, a.why = handler.Refused, inEnglish().Pause
		reply = text(c.say(func(w *wording) string { return w.Pause }))
	case err != nil:
		if c.Verb == confirm && a.wrong {
			b.pauses.add(m, b.Now())
		}
		reply = text(err.Error())
	case c.Verb == confirm:
		reply = b.start(ctx, m, c, t, &a)
	default:
		reply = b.answer(ctx, m, c, &a)
	}
	b.audited(ctx, m, a)
	return reply
}

// understand reads a message and the code in it. Its error is a sentence for the sender.
func (b *Bot) understand(m Message, a *audit) (c Command, t ticket, err error) {
	if m.Invitation != "" {
		return b.understandPress(m, a)
	}
	c, err = Parse(m.Text)
	a.verb, a.instances, a.region = c.Verb, c.Instances, c.Region
	switch {
	case err != nil:
		a.verb, a.outcome, a.why, a.wrong = "", notUnderstood, "not a command", c.Verb == confirm
		return c, t, err
	case c.Verb != confirm:
		return c, t, nil
	}
	refuse := func(sentence func(*wording) string) error {
		a.outcome, a.why = handler.Refused, sentence(inEnglish())
		return errors.New(c.say(sentence))
	}
	if why := b.readsOnly(); why != nil {
		return c, t, refuse(why)
	}
	t, fault := b.coder().read(c.Code, m, m.Received)
	if c.Alone && fault != errCode {
		c.Chinese, c.Alone = t.chinese, false
	}
	if fault != nil {
		a.wrong = fault == errCode
		return c, t, refuse(fault.of)
	}
	if p, known := b.given.of(t.text, b.Now()); known && !t.fits(p) {
		a.wrong = true
		return c, t, refuse(errCode.of)
	}
	a.verb = confirm + " " + t.verb
	return c, t, nil
}

func (b *Bot) coder() coder { return coder{b.Key, b.Second} }

// readsOnly returns the sentence that explains why chats can only read here; nil if chats
// can make changes.
func (b *Bot) readsOnly() func(*wording) string {
	switch {
	case len(b.Key) == 0:
		return func(w *wording) string { return w.NoKey }
	case b.Hand == nil:
		return func(w *wording) string { return w.NoHand }
	}
	return nil
}
