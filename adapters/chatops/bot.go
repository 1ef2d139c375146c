package chatops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// Message is an authentic message: what was said, by whom and where, all by
// ids.
type Message struct {
	Platform string // one of Platforms
	Tenant   string // workspace, company or team
	User     string
	Channel  string
	Text     string
	// Weak says that the platform's signature does not cover the message or has
	// no freshness: it can cause an Update that is due, and nothing else.
	Weak bool
}

// Reply is what is said back.
type Reply struct {
	// Lines are short, for a phone. Their text is plain: a platform's own
	// formatting is for package webhook to add, and to escape.
	Lines []string
	// Code, if it is set, confirms what the lines announce: to be put on a
	// button where there are buttons. The lines say it, too.
	Code string
	// Public says that others have to see it: somebody else confirms.
	Public bool
}

// Options of a [Bot].
type Options struct {
	Allow  Rules
	Key    []byte // of confirmation codes; none: chat only reads
	Second bool   // somebody else has to confirm
	Region string // where an instance is if a command does not say
	// Audit takes what is to be logged of a message, once, whether it was obeyed
	// or not; default: a line of Log.
	Audit func(context.Context, ...slog.Attr)
	Log   *slog.Logger     // default: none
	Now   func() time.Time // default time.Now
}

// Bot answers messages. It is safe for concurrent use.
type Bot struct {
	Options
	handler *handler.Handler
	used    used
}

// New returns a bot that reads and changes by h.
func New(h *handler.Handler, o Options) *Bot {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Audit == nil {
		o.Audit = func(ctx context.Context, attrs ...slog.Attr) { o.Log.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...) }
	}
	return &Bot{Options: o, handler: h}
}

// maxStatus bounds how many instances one answer shows.
const maxStatus = 20

// audit is what is logged of a message, beside what becomes of a change, which
// handler tells itself.
type audit struct {
	verb, decision, why, requestID string
	instances                      []string
	region                         string
}

// Say answers a message before ctx's deadline, whatever happens.
func (b *Bot) Say(ctx context.Context, m Message) Reply {
	type said struct {
		reply Reply
		audit audit
	}
	// What is asked for is known before anything takes time, so that the audit
	// line has it whatever happens then.
	asked := said{audit: audit{decision: "unknown"}}
	c, p, err := b.understand(m, &asked.audit)
	done := make(chan said, 1)
	go func() {
		s := asked
		defer func() {
			if v := recover(); v != nil {
				b.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				s = asked
				s.reply, s.audit.why = text("Something went wrong. Ask status before you try again."), "panic"
			}
			done <- s
		}()
		if err != nil {
			s.reply = text(sentence(err.Error()))
			return
		}
		s.reply = b.say(ctx, m, c, p, &s.audit)
	}()
	var s said
	select {
	case s = <-done:
	case <-ctx.Done():
		select {
		case s = <-done: // just in time
		default:
			s = asked
			s.audit.why = "out of time"
			if s.reply = text("I ran out of time: unknown what came of it.", "Ask status "+b.place(p.ref())+" in a minute, before you try again."); c.Verb != confirm {
				s.audit.decision = string(handler.Failed)
				s.reply = text("I ran out of time. Nothing was changed; try again.")
			}
		}
	}
	actor := ""
	if m.User != "" {
		actor = m.Platform + ":" + clip(m.Tenant) + "/" + clip(m.User) // as a rule names it
	}
	b.Audit(ctx, slog.String("actor", actor), slog.String("channel", clip(m.Channel)), slog.String("verb", s.audit.verb),
		slog.String("instance", strings.Join(s.audit.instances, ",")), slog.String("region", s.audit.region),
		slog.String("outcome", s.audit.decision), slog.String("reason", s.audit.why), slog.String("request_id", s.audit.requestID))
	return s.reply
}

// understand reads a message, and the code in it if there is one.
func (b *Bot) understand(m Message, a *audit) (c Command, p plan, err error) {
	if c, err = Parse(m.Text); err != nil {
		a.decision, a.why = "not understood", "not a command"
		return c, p, err
	}
	a.verb, a.instances, a.region = c.Verb, c.Instances, c.Region
	if a.region == "" {
		a.region = b.Region
	}
	if c.Verb != confirm {
		return c, p, nil
	}
	if len(b.Key) == 0 {
		a.decision, a.why = "refused", "no TAIRSSL_CONFIRM_KEY"
		return c, p, errNoCode
	}
	if p, err = read(b.Key, c.Code, m, b.Second, b.Now()); err != nil {
		a.decision, a.why = "refused", err.Error()
		return c, p, err
	}
	a.verb, a.instances, a.region = confirm+" "+p.Verb, []string{p.Instance}, p.Region
	return c, p, nil
}

func (b *Bot) say(ctx context.Context, m Message, c Command, p plan, a *audit) Reply {
	switch c.Verb {
	case help:
		a.decision = "answered"
		return b.help(m)
	case status:
		return b.status(ctx, m, c, a)
	case confirm:
		return b.confirm(ctx, m, c, p, a)
	}
	return b.plan(ctx, m, c, a)
}

// refused says why, and what would allow it.
func (b *Bot) refused(m Message, verb, instance string, a *audit) Reply {
	a.decision, a.why = "refused", "no rule allows it"
	if instance == "" {
		instance = "*"
	}
	if m.Tenant == "" || m.User == "" {
		return text("I can not tell who you are, so you may do nothing here.")
	}
	what := verb + " " + instance
	switch {
	case verb == status && instance == "*":
		what = "see any instance"
	case verb == status:
		what = "see " + instance
	}
	if !plainID().MatchString(m.Tenant) || !plainID().MatchString(m.User) {
		// A rule is copied into the settings, where a star stands for everybody.
		return text("You may not "+what+" here.", "An operator can allow it in TAIRSSL_CHAT_ALLOW; the log has your ids.")
	}
	return text("You may not "+what+" here.",
		"An operator can allow it in TAIRSSL_CHAT_ALLOW:",
		fmt.Sprintf("%s:%s/%s %s %s", m.Platform, m.Tenant, m.User, verb, instance))
}

// plainID is an id that means itself in a rule, and nothing in a platform's
// formatting. Where the signature does not cover the message, anybody may have
// written it.
var plainID = pattern(`^[A-Za-z0-9_.:@$=+/-]{1,200}$`)

// clip bounds what a platform, or who speaks in its name, puts into the log.
func clip(id string) string {
	const most = 200
	if len(id) > most {
		id = id[:most] + "…"
	}
	return strings.ToValidUTF8(id, "?")
}

func (b *Bot) help(m Message) Reply {
	lines := []string{"I renew the TLS certificates of Tair instances."}
	rows := []struct{ verb, usage string }{
		{status, "status [INSTANCE…] [region=R]"}, {"update", "update INSTANCE [region=R] [dry-run]"}, {"enable", "enable INSTANCE [region=R] [dry-run]"}, {"disable", "disable INSTANCE [region=R] [dry-run]"},
	}
	n := 0
	for _, row := range rows {
		if b.Allow.allow(m, row.verb, "") && b.can(m, row.verb) {
			lines = append(lines, row.usage)
			n++
		}
	}
	switch {
	case n == 0:
		return Reply{Lines: append(lines, b.refused(m, "status", "*", &audit{}).Lines...)}
	case len(b.Key) == 0:
		lines = append(lines, "Changes by chat are switched off; dry-run shows what one would do.")
	default:
		lines = append(lines, "Every change asks back before it is made.")
	}
	return Reply{Lines: lines}
}

// can reports whether a verb makes sense on the message's platform.
func (b *Bot) can(m Message, verb string) bool { return !m.Weak || verb == status || verb == "update" }

// plan is the first step of a change.
func (b *Bot) plan(ctx context.Context, m Message, c Command, a *audit) Reply {
	instance := c.Instances[0]
	if !b.Allow.allow(m, c.Verb, instance) {
		return b.refused(m, c.Verb, instance, a)
	}
	if len(b.Key) == 0 && !c.DryRun {
		a.decision, a.why = "refused", "no TAIRSSL_CONFIRM_KEY"
		return text(sentence(errNoCode.Error()), "Add dry-run to see what it would do.")
	}
	result, request := b.handler.Plan(ctx, b.request(m, plan{Verb: c.Verb, Instance: instance, Region: a.region}))
	a.decision, a.why = string(result.Outcome), result.Reason
	if result.Outcome != handler.Planned {
		return b.describe(result)
	}
	reply := Reply{Lines: announce(c.Verb, result, b.Now())}
	if c.DryRun {
		reply.Lines = append(reply.Lines, "This was a dry run: nothing changes.")
		return reply
	}
	p := plan{Verb: c.Verb, Instance: instance, Region: result.RegionID, Expires: request.SSLExpiredTime, Deadline: b.Now().Add(codeLife)}
	reply.Code = code(b.Key, p, m)
	whom := "To go on, say within 5 minutes:"
	if reply.Public = b.Second; b.Second {
		whom = "Somebody else with the right to do it has to say, within 5 minutes:"
	}
	reply.Lines = append(reply.Lines, whom, confirm+" "+reply.Code)
	return reply
}

// confirm is the second step.
func (b *Bot) confirm(ctx context.Context, m Message, c Command, p plan, a *audit) Reply {
	if !b.Allow.allow(m, p.Verb, p.Instance) {
		return b.refused(m, p.Verb, p.Instance, a)
	}
	if !b.used.first(c.Code, b.Now()) {
		a.decision, a.why = string(handler.Unchanged), "the code was used before"
		return text("That code was used already.", "Ask status "+b.place(p.ref())+" for how it went.")
	}
	result := b.handler.Handle(ctx, []handler.Request{b.request(m, p)})[0]
	a.decision, a.why, a.requestID = string(result.Outcome), result.Reason, result.RequestID
	if _, again := result.Redeliver(); again && result.Outcome != handler.Unknown {
		b.used.forget(c.Code) // nothing was written: the same code may try again
	}
	return b.describe(result)
}

// request is what handler is asked for. No Wait: nobody looks at a chat until
// an instance has restarted.
func (b *Bot) request(m Message, p plan) handler.Request {
	none := handler.Duration(0)
	return handler.Request{
		InstanceID: p.Instance, RegionID: p.Region, SSLEnabled: actions[p.Verb], SSLExpiredTime: p.Expires,
		Wait: &none, Weak: m.Weak, Hurried: true,
	}
}

// status reads the instances that are named, or else the fleet.
func (b *Bot) status(ctx context.Context, m Message, c Command, a *audit) Reply {
	ids := c.Instances
	if len(ids) == 0 {
		return b.fleet(ctx, m, c, a)
	}
	for _, id := range ids {
		if !b.Allow.allow(m, status, id) {
			return b.refused(m, status, id, a)
		}
	}
	a.decision = "answered"
	looks := make([]look, len(ids))
	var group errgroup.Group
	group.SetLimit(b.handler.Concurrency)
	for i, id := range ids {
		group.Go(func() error {
			ref := handler.Ref{InstanceID: id, RegionID: a.region}
			looks[i].id = b.place(ref)
			looks[i].o, looks[i].err = b.handler.Observe(ctx, ref)
			return nil
		})
	}
	_ = group.Wait() // no function fails
	slices.SortStableFunc(looks, mostUrgent)
	var lines []string
	for _, l := range looks {
		lines = append(lines, l.line(b.handler, b.Now()))
	}
	if slices.ContainsFunc(looks, func(l look) bool { return errors.Is(l.err, handler.NotFound) }) {
		lines = append(lines, elsewhere)
	}
	return Reply{Lines: lines}
}

// used remembers the codes that were used, for as long as they hold. It only
// spares a look: what keeps a code from working twice, in any number of
// processes, is the lease and the certificate's expiry.
type used struct {
	mu    sync.Mutex
	codes map[string]time.Time
}

func (u *used) first(code string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.codes == nil {
		u.codes = map[string]time.Time{}
	}
	for old, at := range u.codes {
		if now.Sub(at).Abs() > 2*codeLife {
			delete(u.codes, old)
		}
	}
	if _, again := u.codes[code]; again {
		return false
	}
	u.codes[code] = now
	return true
}

func (u *used) forget(code string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.codes, code)
}
