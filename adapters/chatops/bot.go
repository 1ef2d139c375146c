package chatops

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Message is an authentic message: what was said, by whom and where, all by
// ids.
type Message struct {
	Platform string // one of Platforms
	Tenant   string // workspace, company or team
	User     string
	Channel  string
	Text     string
	// Call is what people write before a command so that it comes here: "/tair" or
	// "@tair". "" if nothing, or if it is not known.
	Call string
	// Invitation is what the button of a notice sent, in place of a Text.
	Invitation string
	// Trust says what the platform's signature proves.
	Trust handler.Trust
	// Reply is where an answer can be sent later; "" if there is no such place.
	Reply Address
	// Received is when the message came; zero for now.
	Received time.Time
}

// Address is where an answer can be sent later, in a platform's own form: a URL,
// or a message's id. Whoever knows it can write into the chat, so it shows in no
// log or text.
type Address string

// LogValue keeps the address out of any log.
func (Address) LogValue() slog.Value { return slog.StringValue("[address]") }

// String keeps the address out of any text.
func (Address) String() string { return "[address]" }

// GoString keeps the address out of %#v.
func (Address) GoString() string { return "[address]" }

// Reply is what is said back.
type Reply struct {
	// Lines are short, for a phone. Their text is plain: a platform's own
	// formatting is for its file to add, and to escape.
	Lines []string
	// Code, if it is set, confirms what the lines announce. The lines say it, too.
	Code string
	// Confirm is what to say with it, for a button or a link that says it, and Button
	// what that shows.
	Confirm, Button string
	// Public says that others have to see it: somebody else confirms.
	Public bool
	// Decided, if it is set, says that the button that was pressed is spent: who
	// decided stands in place of its %s.
	Decided string

	pressed bool   // it answers a button
	by      string // who pressed it, by id
}

// Options of a [Bot].
type Options struct {
	Allow  Rules
	Key    []byte // of confirmation codes, and of what is handed over; none: chat only reads
	Second bool   // somebody else has to confirm
	Region string // shown with no instance: those elsewhere are shown with theirs
	// Hand takes over what lasts longer than a chat waits: whatever it is given
	// is to be passed to [Bot.Open] and [Bot.Finish] by an invocation that nobody
	// waits for. It returns as soon as that is certain. Without it chat only reads.
	Hand func(ctx context.Context, payload []byte) error
	// Change carries out a confirmed change, and logs, counts and tells it as any
	// other. Default: the fleet's Handle.
	Change func(context.Context, handler.Delivery) handler.Result
	// Audit takes what is to be logged of a message, once, whether it was obeyed
	// or not; default: a line of Log.
	Audit func(context.Context, ...slog.Attr)
	Log   *slog.Logger     // default: none
	Now   func() time.Time // default time.Now
}

// Bot answers messages. It is safe for concurrent use.
type Bot struct {
	Options
	fleet  *fleet.Fleet
	used   once   // codes; see start
	given  plans  // in this process
	pauses pauses // for who uses wrong codes
}

// New returns a bot that reads and changes instances of f.
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

// Say answers a message before ctx's deadline, whatever happens. What changes
// something is handed over, and so is what cannot be read in time.
func (b *Bot) Say(ctx context.Context, m Message) Reply {
	if m.Received.IsZero() {
		m.Received = b.Now()
	}
	// What is asked for is known before anything takes time, so that the audit
	// line has it whatever happens then.
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

// understand reads a message, and the code in it if there is one. Its error is a
// sentence for people.
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

// readsOnly gives the sentence that says why chat changes nothing here; nil if it
// does.
func (b *Bot) readsOnly() func(*wording) string {
	switch {
	case len(b.Key) == 0:
		return func(w *wording) string { return w.NoKey }
	case b.Hand == nil:
		return func(w *wording) string { return w.NoHand }
	}
	return nil
}
