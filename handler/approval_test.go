package handler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// approve asks to approve the next Update.
func approve(who string) handler.Delivery {
	d := update()
	d.ApprovedBy, d.Trust, d.Confirmed = who, handler.Signed, true
	return d
}

// One process stores the approval, and another acts on it in the next window, once. The
// approval does not hold for the following certificate.
func TestAnApprovalActsInTheNextWindowOnce(t *testing.T) {
	c, first := on(expiring(20*day), handler.Options{Policy: handler.Policy{Window: window(t, "22:00-23:00"), Approval: true}})
	second := handler.New(c, first.Options)
	automatic := update()
	automatic.Automatic = true

	if got := ask(t, second, automatic); got.Outcome != handler.Deferred || got.Rule != handler.RuleApproval || !strings.Contains(got.Reason, "tairssl approve "+id) {
		t.Errorf("without an approval it ended %s by %q: %s", got.Outcome, got.Rule, got.Reason)
	}
	got := ask(t, first, approve("slack:U456"))
	if got.Outcome != handler.Deferred || got.ApprovedBy != "slack:U456" || got.Until.String() != "2026-11-24T22:00:00Z" || !strings.Contains(got.Reason, "slack:U456 approved it") {
		t.Errorf("the approval ended %s until %s: %s", got.Outcome, got.Until, got.Reason)
	}
	if want := "2026-12-14T12:00:00Z/slack:U456/2026-11-24T12:00:00Z"; c.TagsOf(id)["tairssl-approved"] != want {
		t.Errorf("the tag is %q, want %q", c.TagsOf(id)["tairssl-approved"], want)
	}
	if got := ask(t, first, approve("slack:U789")); got.Outcome != handler.Unchanged || !strings.Contains(got.Reason, "slack:U456 approved this certificate already") {
		t.Errorf("a second approval ended %s: %s", got.Outcome, got.Reason)
	}
	if got := ask(t, second, automatic); got.Outcome != handler.Deferred || got.Rule != handler.RuleWindow {
		t.Errorf("before the window it ended %s by %q: %s", got.Outcome, got.Rule, got.Reason)
	}
	c.Advance(10 * time.Hour)
	for range 2 {
		if got := ask(t, second, automatic); c.Restarts(id) != 1 {
			t.Fatalf("in the window it ended %s after %d restarts: %s", got.Outcome, c.Restarts(id), got.Reason)
		}
		c.Advance(2 * time.Minute)
	}
	// Three years later, the next certificate is due.
	c.Advance(1080 * day)
	got = ask(t, second, automatic)
	if got.Outcome != handler.Deferred || got.Rule != handler.RuleApproval || !strings.Contains(got.Reason, "slack:U456 approved another certificate") || c.Restarts(id) != 1 {
		t.Errorf("the next certificate ended %s by %q after %d restarts: %s", got.Outcome, got.Rule, c.Restarts(id), got.Reason)
	}
}

// A person who asks for an Update needs no approval.
func TestWhoAsksNeedsNoApproval(t *testing.T) {
	weak := update()
	weak.Trust = handler.Weak
	confirmed := weak
	confirmed.Confirmed = true
	automatic := update()
	automatic.Automatic = true
	for name, test := range map[string]struct {
		delivery handler.Delivery
		outcome  handler.Outcome
	}{
		"a direct request":    {update(), handler.Accepted},
		"a confirmed message": {confirmed, handler.Accepted},
		"a token":             {weak, handler.Deferred},
		"an event":            {automatic, handler.Deferred},
	} {
		c, h := on(expiring(20*day), handler.Options{Policy: handler.Policy{Window: window(t, "any"), Approval: true}})
		if got := ask(t, h, test.delivery); got.Outcome != test.outcome || (c.Restarts(id) == 1) != (test.outcome == handler.Accepted) {
			t.Errorf("%s ended %s: %s", name, got.Outcome, got.Reason)
		}
	}
}

// A tag that cannot be read approves nothing.
func TestTagsThatApproveNothing(t *testing.T) {
	const expires = "2026-12-14T12:00:00Z"
	for _, value := range []string{
		"", "yes", expires, expires + "/U1", expires + "/U1/", expires + "//2026-11-23T08:00:00Z", "/U1/2026-11-23T08:00:00Z", expires + "/U1/yesterday",
		expires + "/U1/2026-11-23T08:00:00Z/", expires + "/a/b/2026-11-23T08:00:00Z", "2026-12-14/U1/2026-11-23T08:00:00Z", expires + "/" + strings.Repeat("u", 41) + "/2026-11-23T08:00:00Z",
		expires + "/Jörg/2026-11-23T08:00:00Z", expires + "/two words/2026-11-23T08:00:00Z", "2026-12-14T12:00:01Z/U1/2026-11-23T08:00:00Z", "2027-12-14T12:00:00Z/U1/2026-11-23T08:00:00Z",
		" " + expires + "/U1/2026-11-23T08:00:00Z", strings.Repeat("/", 500),
	} {
		o := expiring(20 * day)
		o.Tags = map[string]string{"tairssl-approved": value}
		c, h := on(o, handler.Options{Policy: handler.Policy{Window: window(t, "any"), Approval: true}})
		d := update()
		d.Automatic = true
		if got := ask(t, h, d); got.Rule != handler.RuleApproval || c.AllRestarts() != 0 {
			t.Errorf("%q approves: ended %s: %s", value, got.Outcome, got.Reason)
		}
	}
	for _, value := range []string{expires + "/U1/2026-11-23T08:00:00Z", expires + "/" + strings.Repeat("u", 40) + "/2026-11-23T08:00:00Z", "2026-12-14T20:00:00+08:00/cli:ann@host/2026-11-23T08:00:00Z"} {
		a, ok := handler.ParseApproval(value)
		if !ok || a.Expires.String() != expires {
			t.Errorf("%q is read as %v, %v", value, a, ok)
		}
		if again, ok := handler.ParseApproval(a.String()); !ok || again != a {
			t.Errorf("%q gives itself back as %v, %v", value, again, ok)
		}
	}
}

// The approver's name is stored in characters that a tag may contain.
func TestNamesInAnApproval(t *testing.T) {
	for who, want := range map[string]string{
		"slack:U456":            "slack:U456",
		"cli:ann@host.example":  "cli:ann@host.example",
		"cli:Jörg Müller":       "cli:J_rg_M_ller",
		"cli:张伟":                "cli:__",
		"a/b":                   "a_b",
		"http://evil/x":         "http:__evil_x",
		strings.Repeat("x", 99): strings.Repeat("x", 40),
		"\x00\n\"'":             "____",
	} {
		c, h := on(expiring(20*day), handler.Options{Policy: handler.Policy{Approval: true}})
		if got := ask(t, h, approve(who)); got.Outcome != handler.Deferred || got.ApprovedBy == "" {
			t.Errorf("%q ended %s: %s", who, got.Outcome, got.Reason)
		}
		if a, ok := handler.ParseApproval(c.TagsOf(id)["tairssl-approved"]); !ok || a.Who != want {
			t.Errorf("%q stands in the tag as %q, want %q", who, a.Who, want)
		}
	}
}

// Cases in which no approval is stored, with the reason.
func TestApprovalsThatAreNotWritten(t *testing.T) {
	edit := func(change func(*handler.Observation)) handler.Observation {
		o := expiring(20 * day)
		change(&o)
		return o
	}
	tags := func(n int, more ...string) map[string]string {
		tags := map[string]string{}
		for i := range n {
			tags[fmt.Sprintf("own-%d", i)] = "x"
		}
		for _, key := range more {
			tags[key] = "2026-12-14T12:00:00Z/2026-11-24T10:40Z/d30"
		}
		return tags
	}
	pinned, weak, automatic, disable := approve("U1"), approve("U1"), approve("U1"), approve("U1")
	pinned.SSLExpiredTime, weak.Trust, automatic.Automatic, disable.SSLEnabled = handler.At(start.Add(19*day)), handler.Weak, true, handler.Disable
	disable.SSLExpiredTime = handler.At(start.Add(20 * day))
	failing := func(kind handler.Kind, err error) func(key, value string) error {
		return func(string, string) error {
			e := handler.Errorf(kind, "no")
			e.Err = err
			return e
		}
	}
	for name, test := range map[string]struct {
		instance handler.Observation
		policy   handler.Policy
		delivery handler.Delivery
		onTag    func(key, value string) error
		outcome  handler.Outcome
		says     string
	}{
		"encryption is off":           {handler.Observation{}, handler.Policy{}, approve("U1"), nil, handler.Unchanged, "encryption is off"},
		"a type without TLS":          {handler.Observation{Instance: handler.Instance{Type: "Memcache"}}, handler.Policy{}, approve("U1"), nil, handler.Unchanged, "no TLS"},
		"it is not paid for":          {edit(func(o *handler.Observation) { o.Status = "Inactive" }), handler.Policy{}, approve("U1"), nil, handler.Failed, "Inactive"},
		"it is changing":              {edit(func(o *handler.Observation) { o.Status = "SSLModifying" }), handler.Policy{}, approve("U1"), nil, handler.InProgress, "SSLModifying"},
		"another certificate":         {expiring(20 * day), handler.Policy{}, pinned, nil, handler.Unchanged, "has changed: it expires"},
		"a pause":                     {expiring(20 * day), handler.Policy{Pause: true}, approve("U1"), nil, handler.Refused, "TAIRSSL_PAUSE"},
		"tagged off":                  {edit(func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), handler.Policy{}, approve("U1"), nil, handler.Refused, "tairssl=off"},
		"not among the instances":     {expiring(20 * day), handler.Policy{Instances: []string{"!" + id}}, approve("U1"), nil, handler.Refused, "TAIRSSL_INSTANCES"},
		"Update is not granted":       {expiring(20 * day), handler.Policy{Actions: []handler.Action{handler.Enable}}, approve("U1"), nil, handler.Refused, "TAIRSSL_ACTIONS"},
		"a weak sender":               {expiring(20 * day), handler.Policy{}, weak, nil, handler.Refused, "does not prove its sender"},
		"nobody in particular":        {expiring(20 * day), handler.Policy{}, automatic, nil, handler.Refused, "does not prove its sender"},
		"of something else":           {expiring(20 * day), handler.Policy{Actions: []handler.Action{handler.Disable, handler.Update}}, disable, nil, handler.Refused, "only an Update"},
		"19 tags":                     {edit(func(o *handler.Observation) { o.Tags = tags(19) }), handler.Policy{}, approve("U1"), nil, handler.Refused, "remove one of its tags"},
		"20 tags, one of the notices": {edit(func(o *handler.Observation) { o.Tags = tags(19, handler.ToldTag) }), handler.Policy{}, approve("U1"), nil, handler.Refused, "remove one of its tags"},
		"no right to":                 {expiring(20 * day), handler.Policy{}, approve("U1"), failing(handler.Forbidden, nil), handler.Refused, "kvstore:TagResources"},
		"a tag policy":                {expiring(20 * day), handler.Policy{}, approve("U1"), failing(handler.Invalid, handler.ErrTagRefused), handler.Refused, "tairssl-approved is refused"},
		"the API is down":             {expiring(20 * day), handler.Policy{}, approve("U1"), failing(handler.Unavailable, nil), handler.Failed, "no"},
	} {
		c, h := on(test.instance, handler.Options{Policy: test.policy})
		c.OnTag = test.onTag
		got := ask(t, h, test.delivery)
		if got.Outcome != test.outcome || !strings.Contains(got.Reason, test.says) {
			t.Errorf("%s: ended %s (%s), want %s and %q", name, got.Outcome, got.Reason, test.outcome, test.says)
		}
		if _, written := c.TagsOf(id)["tairssl-approved"]; written || c.AllRestarts() != 0 {
			t.Errorf("%s: the tags are %v, after %d restarts", name, c.TagsOf(id), c.AllRestarts())
		}
	}
	for name, held := range map[string]map[string]string{
		"18 tags":                        tags(18),
		"19 tags, one of the notices":    tags(18, handler.ToldTag),
		"an approval that was not right": tags(19, handler.ApprovalTag),
	} {
		c, h := on(edit(func(o *handler.Observation) { o.Tags = held }), handler.Options{})
		if got := ask(t, h, approve("U1")); got.Outcome != handler.Deferred || got.ApprovedBy == "" || c.TagsOf(id)[handler.ApprovalTag] != "2026-12-14T12:00:00Z/U1/2026-11-24T12:00:00Z" {
			t.Errorf("%s: ended %s: %s; the tags are %v", name, got.Outcome, got.Reason, c.TagsOf(id))
		}
	}
}

// A plan of an approval is pinned to the present certificate and sets no tag.
func TestThePlanOfAnApproval(t *testing.T) {
	c, h := on(expiring(20*day), handler.Options{Policy: handler.Policy{Approval: true, Window: window(t, "22:00-23:00")}})
	got, d := h.Plan(context.Background(), approve("U1"))
	if got.Outcome != handler.Planned || !strings.Contains(got.Reason, "renewed from 2026-11-24T22:00:00Z on") || strings.Contains(got.Reason, "restart") {
		t.Errorf("it ended %s: %s", got.Outcome, got.Reason)
	}
	if d.SSLExpiredTime.String() != "2026-12-14T12:00:00Z" || d.DryRun || d.ApprovedBy != "U1" || len(c.TagsOf(id)) != 0 {
		t.Errorf("the delivery is %+v, the tags are %v", d, c.TagsOf(id))
	}
	c.Change(id, func(o *handler.Observation) { o.Expires = o.Expires.Add(time.Hour) })
	if got := ask(t, h, d); got.Outcome != handler.Unchanged || len(c.TagsOf(id)) != 0 {
		t.Errorf("of another certificate it ended %s: %s; the tags are %v", got.Outcome, got.Reason, c.TagsOf(id))
	}
}

// The next change or sweep removes tags that have no meaning any more. The approval of a
// later certificate stays, because the read may be stale.
func TestTheApprovalOfACertificateThatIsGoneIsRemoved(t *testing.T) {
	for value, dead := range map[string]bool{
		"2026-12-14T12:00:00Z/U1/2026-11-23T08:00:00Z": false,
		"2026-12-14T11:59:59Z/U1/2026-11-23T08:00:00Z": true,
		"2026-12-14T12:00:01Z/U1/2026-11-23T08:00:00Z": false,
		"somebody else's": false,
	} {
		tags := map[string]string{handler.ApprovalTag: value, "own": "x"}
		if got := len(handler.DeadTags(tags, start.Add(20*day), start)) == 1; got != dead {
			t.Errorf("%q is dead: %v", value, got)
		}
	}
	o := expiring(5 * day)
	o.Tags = map[string]string{handler.ApprovalTag: "2023-12-14T12:00:00Z/U1/2023-11-23T08:00:00Z"}
	c := handlertest.NewCloud(map[string]handler.Observation{id: o})
	h := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: window(t, "any")}})
	if got := ask(t, h, update()); got.Outcome != handler.Accepted || c.TagsOf(id)[handler.ApprovalTag] != "" {
		t.Errorf("it ended %s: %s; the tags are %v", got.Outcome, got.Reason, c.TagsOf(id))
	}
}
