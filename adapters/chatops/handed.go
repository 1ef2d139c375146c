package chatops

import (
	"context"
	"fmt"
	"strings"

	"tairssl/handler"
)

// said is an answer and its audit.
type said struct {
	reply Reply
	audit audit
	late  bool // the time was too short for a full answer
}

// attempt answers a command before ctx ends, even if the API does not answer. asked is
// the audit at the start of the work.
func (b *Bot) attempt(ctx context.Context, m Message, c Command, t ticket, asked audit) said {
	w := c.wording()
	done := make(chan said, 1)
	go func() {
		s := said{audit: asked}
		defer func() {
			if v := recover(); v != nil {
				b.panicked(ctx, v)
				s = said{audit: asked, reply: text(w.Panic)}
				s.audit.why = "panic"
			}
			done <- s
		}()
		s.reply = b.say(ctx, m, c, t, &s.audit)
		s.late = s.audit.partial || ctx.Err() != nil || s.audit.lacksTime()
	}()
	select {
	case s := <-done:
		return s
	case <-ctx.Done():
	}
	select {
	case s := <-done: // the answer came just in time
		return s
	default:
	}
	s := said{audit: asked, late: true}
	s.audit.why = "out of time"
	if c.Verb == confirm {
		s.reply = text(w.UnknownEnd, w.ask(w.AskStatusAnyway, b.placeOf(t)))
		return s
	}
	s.audit.outcome = handler.Failed
	s.reply = text(w.RanOut)
	return s
}

// ask puts the name of an instance into a sentence. The name is "" if it is unknown.
func (w *wording) ask(format, instance string) string {
	return strings.ReplaceAll(fmt.Sprintf(format, instance), "  ", " ")
}

// placeOf is the instance of a ticket if this process gave its code; "" otherwise.
func (b *Bot) placeOf(t ticket) string {
	if t.plan != nil {
		return b.place(t.plan.ref())
	}
	if p, known := b.given.of(t.text, b.Now()); known {
		return b.place(p.ref())
	}
	return ""
}

func (b *Bot) panicked(ctx context.Context, v any) {
	handler.Panicked(ctx, b.Log, v)
}

// answer answers a command that changes nothing. If the time is too short, and a later
// answer is possible, it hands the command over.
func (b *Bot) answer(ctx context.Context, m Message, c Command, a *audit) Reply {
	w := c.wording()
	direct, later := ctx, b.readsOnly() == nil && m.Reply != ""
	if later {
		var cancel context.CancelFunc
		direct, cancel = handler.HandMargin.Before(ctx)
		defer cancel()
	}
	s := b.attempt(direct, m, c, ticket{}, *a)
	*a = s.audit
	if !s.late || !later {
		return s.reply
	}
	if err := b.hand(ctx, m); err != nil {
		a.err = err
		s.reply.Lines = append(s.reply.Lines, w.CouldNotGoOn+w.fault(err))
		return s.reply
	}
	a.outcome, a.why, a.handed = answered, "out of time", true
	return text(w.TakesLonger)
}

// again hands over a message whose answer did not arrive. It does not hand over a
// confirmation, because the result of a confirmation is sent in any case.
func (b *Bot) again(ctx context.Context, m Message) bool {
	c, _ := Parse(m.Text)
	m.Received = b.Now()
	return c.Verb != confirm && m.Invitation == "" && b.readsOnly() == nil && b.hand(ctx, m) == nil
}

// start hands a confirmed change over, after all checks that need no call of the API.
func (b *Bot) start(ctx context.Context, m Message, c Command, t ticket, a *audit) Reply {
	w, now := c.wording(), b.Now()
	p, known := b.given.of(t.text, now)
	if t.plan != nil {
		p, known = *t.plan, true
	}
	instance := b.placeOf(t)
	if known {
		a.instances, a.region = []string{p.Instance}, p.Region
	}
	if !b.Allow.allow(m, t.verb, p.Instance) {
		return b.refused(w, m, t.verb, p.Instance, a)
	}
	if !known && b.Second {
		b.pauses.add(m, now) // a code that passes the check may still belong to the sender's own plan
	}
	if !b.used.first(t.text, now, usedFor) {
		a.outcome, a.why = handler.Unchanged, "the code was used before"
		used := Reply{Lines: []string{w.CodeUsed, w.ask(w.FewMinutes, instance)}}
		if !b.Second { // with a second person, the code may belong to another person
			used.Decided = w.ConfirmedBy
		}
		return used
	}
	if err := b.hand(ctx, m); err != nil {
		b.used.forget(t.text)
		a.err, a.why = err, err.Message
		if a.outcome = handler.Failed; err.Uncertain {
			a.outcome = handler.Unknown
			return Reply{Lines: []string{w.CouldNotTellStart + w.fault(err), w.ask(w.AskStatusAnyway, instance)}}
		}
		return text(w.CouldNotStart+w.fault(err), w.SameCode)
	}
	a.outcome, a.handed = answered, true
	started := fmt.Sprintf(w.Started, w.Verbs[t.verb]+" "+instance)
	if !known {
		started = fmt.Sprintf(w.StartedUnseen, w.Verbs[t.verb])
	}
	if m.Reply == "" {
		return Reply{Lines: []string{started, w.ask(w.AskStatus, instance)}, Decided: w.ConfirmedBy}
	}
	return Reply{Lines: []string{started + w.TellHere}, Decided: w.ConfirmedBy}
}

// hand passes a message to [Options].Hand. Hand gets enough time even if ctx is about to
// end, because the work matters more than an answer in time.
func (b *Bot) hand(ctx context.Context, m Message) (failed *handler.Error) {
	ctx, cancel := timeToHand(ctx)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			b.panicked(ctx, v)
			failed = handler.Unexpected()
			failed.Uncertain = true
		}
	}()
	payload, err := b.seal(m)
	if err == nil {
		err = b.Hand(ctx, payload)
	}
	if err != nil {
		return handler.AsError(err)
	}
	return nil
}

// Finish does the work that [Bot.Say] handed over, and returns the answer. The message is
// judged at the time of its receipt, so a code that was valid then is valid now. Finish
// hands no work over. If the same work is done twice, the second time changes nothing.
func (b *Bot) Finish(ctx context.Context, m Message) Reply {
	a := audit{outcome: handler.Unknown}
	c, t, err := b.understand(m, &a)
	w := c.wording()
	var reply Reply
	switch age := b.Now().Sub(m.Received); {
	case age > HandedLife:
		a.outcome, a.why = handler.Refused, "too late: the message was sent "+handler.Span(age)+" ago"
		reply = text(fmt.Sprintf(w.TooLate, handler.Span(age)), w.AskAgain)
	case err != nil:
		reply = text(err.Error())
	default:
		s := b.attempt(ctx, m, c, t, a)
		reply, a = s.reply, s.audit
	}
	b.audited(ctx, m, a)
	return reply
}
