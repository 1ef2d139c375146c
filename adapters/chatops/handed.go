package chatops

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"tairssl/handler"
)

const (
	// handTime is the time reserved for handing over: a new connection and one
	// call inside the cloud's own network.
	handTime = 800 * time.Millisecond
	// HandedLife is how old a message may be when it is carried out. After that
	// its sender may have done something else.
	HandedLife = 10 * time.Minute
)

// said is an answer, with what is logged of it.
type said struct {
	reply Reply
	audit audit
	late  bool // more time would give a better answer
}

// attempt answers a command when ctx ends at the latest, whatever the API does.
// asked is what the audit knows before anything is done.
func (b *Bot) attempt(ctx context.Context, m Message, c Command, p plan, asked audit) said {
	done := make(chan said, 1)
	go func() {
		s := said{audit: asked}
		defer func() {
			if v := recover(); v != nil {
				b.panicked(ctx, v)
				s = said{audit: asked, reply: text("Something went wrong. Ask status before you try again.")}
				s.audit.why = "panic"
			}
			done <- s
		}()
		s.reply = b.say(ctx, m, c, p, &s.audit)
		s.late = s.audit.partial || ctx.Err() != nil
	}()
	select {
	case s := <-done:
		return s
	case <-ctx.Done():
	}
	select {
	case s := <-done: // just in time
		return s
	default:
	}
	s := said{audit: asked, late: true}
	s.audit.why = "out of time"
	if c.Verb == confirm {
		s.reply = text("I ran out of time: unknown what came of it.", "Ask status "+b.place(p.ref())+" in a minute, before you try again.")
		return s
	}
	s.audit.decision = string(handler.Failed)
	s.reply = text("I ran out of time. Nothing was changed; try again.")
	return s
}

func (b *Bot) panicked(ctx context.Context, v any) {
	b.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
}

// answer answers a command that changes nothing. If the time is too short, and
// an answer can be sent later, it hands the command over.
func (b *Bot) answer(ctx context.Context, m Message, c Command, a *audit) Reply {
	direct, later := ctx, b.readsOnly() == nil && m.Reply != ""
	if deadline, ok := ctx.Deadline(); ok && later {
		var cancel context.CancelFunc
		direct, cancel = context.WithDeadline(ctx, deadline.Add(-handTime))
		defer cancel()
	}
	s := b.attempt(direct, m, c, plan{}, *a)
	*a = s.audit
	if !s.late || !later {
		return s.reply
	}
	if err := b.hand(ctx, m); err != nil {
		a.err = err
		s.reply.Lines = append(s.reply.Lines, "I could not go on after this answer: "+sentence(err.Message))
		return s.reply
	}
	a.decision, a.why, a.handed = "answered", "out of time", true
	return text("This takes longer; the answer follows here.")
}

// start hands a confirmed change over. The code in it was found to be good.
func (b *Bot) start(ctx context.Context, m Message, c Command, p plan, a *audit) Reply {
	if !b.Allow.allow(m, p.Verb, p.Instance) {
		return b.refused(m, p.Verb, p.Instance, a)
	}
	instance := b.place(p.ref())
	if !b.used.first(c.Code, b.Now()) {
		a.decision, a.why = string(handler.Unchanged), "the code was used before"
		return text("That code was used already.", "Ask status "+instance+" for how it went. To try again, ask for the change again.")
	}
	if err := b.hand(ctx, m); err != nil {
		b.used.forget(c.Code)
		a.err, a.why = err, err.Message
		if a.decision = string(handler.Failed); err.Uncertain {
			a.decision = string(handler.Unknown)
			return text("I can not tell whether this was started: "+err.Message+".", "Ask status "+instance+" in a few minutes, before you try again.")
		}
		return text("I could not start this: "+err.Message+".", "Nothing was changed. The same code can be used again.")
	}
	a.decision, a.handed = "answered", true
	started := "Started: " + p.Verb + " " + instance + "."
	if m.Reply == "" {
		return text(started, "Ask status "+instance+" in a few minutes for how it ended.")
	}
	return text(started + " I will tell here how it ends.")
}

// hand gives a message to [Options].Hand. It gets its time even if ctx is about to
// end: work that goes on is worth more than an answer in time.
func (b *Bot) hand(ctx context.Context, m Message) (failed *handler.Error) {
	until := time.Now().Add(handTime)
	if deadline, ok := ctx.Deadline(); ok && deadline.After(until) {
		until = deadline
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			b.panicked(ctx, v)
			failed = handler.Errorf(handler.Internal, "an unexpected fault; the log has the details")
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

// Finish does what [Bot.Say] handed over, and gives the answer. The message is
// judged as of its receipt: a code that was good then is good now. Nothing is
// handed over again. Done twice, it changes nothing the second time.
func (b *Bot) Finish(ctx context.Context, m Message) Reply {
	a := audit{decision: "unknown"}
	c, p, err := b.understand(m, &a)
	var reply Reply
	switch age := b.Now().Sub(m.Received); {
	case age > HandedLife:
		a.decision, a.why = string(handler.Refused), "too late: it was said "+handler.Span(age)+" ago"
		reply = text("Too late: you said this "+handler.Span(age)+" ago, and nothing was done.", "Ask for it again.")
	case err != nil:
		reply = text(sentence(err.Error()))
	default:
		s := b.attempt(ctx, m, c, p, a)
		reply, a = s.reply, s.audit
	}
	b.audited(ctx, m, a)
	return reply
}
