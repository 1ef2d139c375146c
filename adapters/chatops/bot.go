package chatops

import (
	"context"
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
}

// Options of a [Bot].
type Options struct {
	Allow  Rules
	Key    []byte // of confirmation codes; none: chat only reads
	Second bool   // somebody else has to confirm
	Region string // where an instance is if a command does not say
	Log    *slog.Logger
	Now    func() time.Time // default time.Now
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
	return &Bot{Options: o, handler: h}
}

// maxStatus bounds how many instances one answer shows.
const maxStatus = 20

// audit is the one line that is logged for a decision.
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
	done := make(chan said, 1)
	go func() {
		s := said{audit: audit{decision: "unknown"}}
		defer func() {
			if v := recover(); v != nil {
				b.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				s.reply = text("Something went wrong. Ask status before you try again.")
				s.audit.why = "panic"
			}
			done <- s
		}()
		s.reply = b.say(ctx, m, &s.audit)
	}()
	var s said
	select {
	case s = <-done:
	case <-ctx.Done():
		s.reply, s.audit = text("I ran out of time: unknown what came of it.", "Ask status in a minute."), audit{decision: "unknown", why: "out of time"}
	}
	b.Log.LogAttrs(ctx, slog.LevelInfo, "audit",
		slog.String("source", m.Platform), slog.String("tenant", m.Tenant), slog.String("actor", m.User), slog.String("channel", m.Channel),
		slog.String("verb", s.audit.verb), slog.String("instance", strings.Join(s.audit.instances, ",")), slog.String("region", s.audit.region),
		slog.String("decision", s.audit.decision), slog.String("why", s.audit.why), slog.String("request_id", s.audit.requestID))
	return s.reply
}

func (b *Bot) say(ctx context.Context, m Message, a *audit) Reply {
	c, err := Parse(m.Text)
	if err != nil {
		a.decision, a.why = "not understood", "not a command"
		return text(sentence(err.Error()))
	}
	a.verb, a.instances, a.region = c.Verb, c.Instances, c.Region
	if a.region == "" {
		a.region = b.Region
	}
	switch c.Verb {
	case help:
		a.decision = "answered"
		return b.help(m)
	case status:
		return b.status(ctx, m, c, a)
	case confirm:
		return b.confirm(ctx, m, c, a)
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
	return text(fmt.Sprintf("You may not %s %s here.", verb, instance),
		"An operator can allow it in TAIRSSL_CHAT_ALLOW:",
		fmt.Sprintf("%s:%s/%s %s %s", m.Platform, m.Tenant, m.User, verb, instance))
}

func (b *Bot) help(m Message) Reply {
	lines := []string{"I renew the TLS certificates of Tair instances."}
	rows := []struct{ verb, usage string }{
		{status, "status [INSTANCE…]"}, {"update", "update INSTANCE [region=R] [dry-run]"}, {"enable", "enable INSTANCE [region=R] [dry-run]"}, {"disable", "disable INSTANCE [region=R] [dry-run]"},
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
		return describe(result, b.Now())
	}
	reply := Reply{Lines: announce(c.Verb, result, b.Now())}
	if c.DryRun {
		reply.Lines = append(reply.Lines, "This was a dry run: nothing changes.")
		return reply
	}
	p := plan{Verb: c.Verb, Instance: instance, Region: result.RegionID, Expires: request.SSLExpiredTime, Deadline: b.Now().Add(codeLife)}
	reply.Code = code(b.Key, p, m)
	whom := "To go on, say within 5 minutes:"
	if b.Second {
		whom = "Somebody else with the right to do it has to say, within 5 minutes:"
	}
	reply.Lines = append(reply.Lines, whom, confirm+" "+reply.Code)
	return reply
}

// confirm is the second step.
func (b *Bot) confirm(ctx context.Context, m Message, c Command, a *audit) Reply {
	if len(b.Key) == 0 {
		a.decision, a.why = "refused", "no TAIRSSL_CONFIRM_KEY"
		return text(sentence(errNoCode.Error()))
	}
	p, err := read(b.Key, c.Code, m, b.Second, b.Now())
	if err != nil {
		a.decision, a.why = "refused", err.Error()
		return text(sentence(err.Error()))
	}
	a.verb, a.instances, a.region = confirm+" "+p.Verb, []string{p.Instance}, p.Region
	if !b.Allow.allow(m, p.Verb, p.Instance) {
		return b.refused(m, p.Verb, p.Instance, a)
	}
	if !b.used.first(c.Code, b.Now()) {
		a.decision, a.why = string(handler.Unchanged), "the code was used before"
		return text("That code was used already.", "Ask status "+p.Instance+" for how it went.")
	}
	result := b.handler.Handle(ctx, []handler.Request{b.request(m, p)})[0]
	a.decision, a.why, a.requestID = string(result.Outcome), result.Reason, result.RequestID
	if _, again := result.Redeliver(); again && result.Outcome != handler.Unknown {
		b.used.forget(c.Code) // nothing was written: the same code may try again
	}
	return describe(result, b.Now())
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

// status reads instances: those that are named, or the most urgent of the
// region's first page that the asker may see.
func (b *Bot) status(ctx context.Context, m Message, c Command, a *audit) Reply {
	ids, more := c.Instances, ""
	if len(ids) == 0 {
		if !b.Allow.allow(m, status, "") {
			return b.refused(m, status, "*", a)
		}
		listed, total, err := b.handler.List(ctx, a.region, nil, 1)
		if err != nil {
			e := handler.AsError(err)
			a.decision, a.why = string(handler.Failed), e.Message
			return text(sentence(e.Message))
		}
		for _, l := range listed {
			if b.Allow.allow(m, status, l.InstanceID) {
				ids = append(ids, l.InstanceID)
			}
		}
		if total > len(listed) {
			more = fmt.Sprintf("Looked at %d of %d in %s; name others to see them.", len(listed), total, a.region)
		}
	}
	for _, id := range ids {
		if !b.Allow.allow(m, status, id) {
			return b.refused(m, status, id, a)
		}
	}
	if a.decision = "answered"; len(ids) == 0 {
		return text("There is no instance in " + a.region + " that you may see.")
	}
	looks := make([]look, len(ids))
	var group errgroup.Group
	group.SetLimit(b.handler.Concurrency)
	for i, id := range ids {
		group.Go(func() error {
			looks[i].id = id
			looks[i].o, looks[i].err = b.handler.Observe(ctx, handler.Ref{InstanceID: id, RegionID: a.region})
			return nil
		})
	}
	_ = group.Wait() // no function fails
	slices.SortStableFunc(looks, mostUrgent)
	var lines []string
	for i, l := range looks {
		if i == maxStatus {
			lines = append(lines, fmt.Sprintf("… and %d more that expire later", len(looks)-i))
			break
		}
		lines = append(lines, l.line(b.handler, b.Now()))
	}
	if more != "" {
		lines = append(lines, more)
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
