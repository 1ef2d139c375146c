package handler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

var everything = handler.Policy{Actions: []handler.Action{handler.Update, handler.Enable, handler.Disable}}

// A plan says what would happen, changes nothing, and returns the request pinned to the
// present certificate.
func TestPlans(t *testing.T) {
	wrongName := expiring(90 * day)
	wrongName.CommonName, wrongName.ConnectionDomain = "old.example.com", "new.example.com"
	for name, test := range map[string]struct {
		instance handler.Observation
		change   func(*handler.Delivery)
		policy   handler.Policy
		outcome  handler.Outcome
		says     string
		pinned   time.Time
	}{
		"due":                        {expiring(5 * day), nil, everything, handler.Planned, "within 30d: Update would restart the instance", start.Add(5 * day)},
		"not due":                    {expiring(90 * day), nil, everything, handler.Unchanged, "not within 30d", start.Add(90 * day)},
		"forced":                     {expiring(90 * day), func(d *handler.Delivery) { d.Force = true }, everything, handler.Planned, "forced", start.Add(90 * day)},
		"forced, of nothing":         {handler.Observation{}, func(d *handler.Delivery) { d.Force = true }, everything, handler.Unchanged, "Enable makes one", time.Time{}},
		"forced, weak":               {expiring(90 * day), func(d *handler.Delivery) { d.Force, d.Trust = true, handler.Weak }, everything, handler.Refused, "only ask for an Update", start.Add(90 * day)},
		"forced, automatic":          {expiring(90 * day), func(d *handler.Delivery) { d.Force, d.Automatic = true, true }, everything, handler.Refused, "cannot be forced", start.Add(90 * day)},
		"forced Enable":              {expiring(90 * day), func(d *handler.Delivery) { d.Force, d.SSLEnabled = true, handler.Enable }, everything, handler.Failed, "Force goes with SSLEnabled Update only", start.Add(90 * day)},
		"a wrong name":               {wrongName, nil, everything, handler.Planned, "its name", start.Add(90 * day)},
		"pinned already":             {expiring(5 * day), func(d *handler.Delivery) { d.SSLExpiredTime = handler.At(start.Add(4 * day)) }, everything, handler.Unchanged, "has changed: it expires", start.Add(4 * day)},
		"Disable over chat":          {expiring(5 * day), func(d *handler.Delivery) { d.SSLEnabled, d.Trust = handler.Disable, handler.Signed }, everything, handler.Planned, "Disable would restart", start.Add(5 * day)},
		"Disable, not granted":       {expiring(5 * day), func(d *handler.Delivery) { d.SSLEnabled, d.Trust = handler.Disable, handler.Signed }, handler.Policy{}, handler.Refused, "TAIRSSL_ACTIONS", time.Time{}},
		"Disable elsewhere, trusted": {expiring(5 * day), func(d *handler.Delivery) { d.SSLEnabled, d.RegionID = handler.Disable, "cn-shanghai" }, everything, handler.Failed, "TAIRSSL_REGION", time.Time{}},
		"Disable of nobody, trusted": {expiring(5 * day), func(d *handler.Delivery) { d.SSLEnabled, d.InstanceID = handler.Disable, "x" }, everything, handler.Failed, "InstanceId", time.Time{}},
		"Enable":                     {handler.Observation{}, func(d *handler.Delivery) { d.SSLEnabled = handler.Enable }, everything, handler.Planned, "Enable would restart", time.Time{}},
		"another region":             {expiring(5 * day), func(d *handler.Delivery) { d.RegionID = "cn-shanghai" }, everything, handler.Failed, "TAIRSSL_REGION", time.Time{}},
		"weak, outside the window":   {expiring(5 * day), func(d *handler.Delivery) { d.Trust = handler.Weak }, everything, handler.Deferred, "maintenance window", start.Add(5 * day)},
		"weak, to be confirmed":      {expiring(5 * day), func(d *handler.Delivery) { d.Trust, d.Confirmed = handler.Weak, true }, everything, handler.Planned, "", start.Add(5 * day)},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(test.instance, handler.Options{Policy: test.policy})
			d := update()
			if test.change != nil {
				test.change(&d)
			}
			result, carried := h.Plan(context.Background(), d)
			if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.says) {
				t.Errorf("ended %s (%s), want %s and %q", result.Outcome, result.Reason, test.outcome, test.says)
			}
			if !carried.SSLExpiredTime.Equal(test.pinned) || carried.DryRun || carried.InstanceID != d.InstanceID {
				t.Errorf("what is to be carried out is %+v, want it pinned to %s", carried.Request, test.pinned)
			}
			if c.Restarts(id) != 0 || len(c.TagsOf(id)) != 0 {
				t.Errorf("the plan restarted the instance %d times and left the tags %v", c.Restarts(id), c.TagsOf(id))
			}
			if test.outcome != handler.Planned {
				return
			}
			// On another certificate the plan changes nothing.
			c.Change(id, func(o *handler.Observation) { o.Expires = o.Expires.Add(time.Hour) })
			if d.SSLEnabled != handler.Enable {
				if r := ask(t, h, carried); r.Outcome != handler.Unchanged {
					t.Errorf("carried out on another certificate it ended %s (%s)", r.Outcome, r.Reason)
				}
			}
			c.Change(id, func(o *handler.Observation) { o.Expires = o.Expires.Add(-time.Hour) })
			if r := ask(t, h, carried); r.Outcome != handler.Accepted || c.Restarts(id) != 1 {
				t.Errorf("carried out it ended %s (%s)", r.Outcome, r.Reason)
			}
		})
	}
}

// A sweep's judgement uses the listing and does not look at the instance.
func TestJudgements(t *testing.T) {
	nightly, _ := handler.ParseWindow("22:00-23:00")
	automatic := func(change func(*handler.Delivery)) handler.Delivery {
		d := update()
		d.Automatic = true
		if change != nil {
			change(&d)
		}
		return d
	}
	listed := func(change func(*handler.Observation)) handler.Observation {
		o := expiring(5 * day)
		o.SSL.At = start
		if change != nil {
			change(&o)
		}
		return o
	}
	for name, test := range map[string]struct {
		observation handler.Observation
		delivery    handler.Delivery
		policy      handler.Policy
		renewal     time.Time
		outcome     handler.Outcome
		says        string
	}{
		"due":                               {listed(nil), automatic(nil), handler.Policy{}, time.Time{}, handler.Planned, "within 30d"},
		"due, with the status":              {listed(func(o *handler.Observation) { o.Status = "Normal" }), automatic(nil), handler.Policy{}, time.Time{}, handler.Planned, "within 30d"},
		"busy":                              {listed(func(o *handler.Observation) { o.Status = "Changing" }), automatic(nil), handler.Policy{}, time.Time{}, handler.InProgress, "is Changing"},
		"not due":                           {listed(func(o *handler.Observation) { o.Expires = start.Add(300 * day) }), automatic(nil), handler.Policy{}, time.Time{}, handler.Unchanged, "not within"},
		"outside a written window":          {listed(nil), automatic(nil), handler.Policy{Window: nightly}, time.Time{}, handler.Deferred, "22:00:00Z"},
		"Alibaba's, outside a window":       {listed(nil), automatic(nil), handler.Policy{Window: nightly}, start.Add(day), handler.Deferred, "Alibaba itself"},
		"Alibaba's, its own window":         {listed(nil), automatic(nil), handler.Policy{}, start.Add(day), handler.Planned, "within 30d"}, // looked at when its turn comes
		"not covered":                       {listed(nil), automatic(nil), handler.Policy{Instances: []string{"r-uf6*"}}, time.Time{}, handler.Refused, "TAIRSSL_INSTANCES"},
		"tagged off":                        {listed(func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), automatic(nil), handler.Policy{}, time.Time{}, handler.Refused, "tairssl=off"},
		"Disable":                           {listed(nil), automatic(func(d *handler.Delivery) { d.SSLEnabled = handler.Disable }), everything, time.Time{}, handler.Refused, "may only Update"},
		"by the time of the listing":        {listed(func(o *handler.Observation) { o.SSL.At = start.Add(-40 * day) }), automatic(nil), handler.Policy{}, time.Time{}, handler.Unchanged, "expires in 45d"},
		"by the clock, if there is no time": {listed(func(o *handler.Observation) { o.SSL.At = time.Time{} }), automatic(nil), handler.Policy{}, time.Time{}, handler.Planned, "expires in 5d"},
		"by the time of the instance":       {listed(func(o *handler.Observation) { o.SSL.At, o.Instance.At = time.Time{}, start.Add(-40*day) }), automatic(nil), handler.Policy{}, time.Time{}, handler.Unchanged, "expires in 45d"},
	} {
		c, h := on(expiring(5*day), handler.Options{Policy: test.policy})
		c.Renewals = map[string]time.Time{id: test.renewal}
		ref := handler.Ref{RegionID: "cn-hangzhou", InstanceID: id}
		result := h.Judge(context.Background(), ref, test.delivery, test.observation)
		if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.says) || result.InstanceID != id || result.RegionID != "cn-hangzhou" {
			t.Errorf("%s: judged %s (%s) of %s in %s, want %s and %q", name, result.Outcome, result.Reason, result.InstanceID, result.RegionID, test.outcome, test.says)
		}
		if result.Before == nil || !result.Before.SSLExpiredTime.Equal(test.observation.Expires) || len(c.Calls) != 0 {
			t.Errorf("%s: the state is %+v, after the calls %v", name, result.Before, c.Calls)
		}
	}
}

func TestWhatIsDue(t *testing.T) {
	_, h := on(expiring(5*day), handler.Options{Policy: handler.Policy{RenewBefore: 10 * day}})
	for name, test := range map[string]struct {
		left time.Duration
		at   time.Time
		due  bool
		says string
	}{
		"soon":                       {5 * day, start, true, "expires in 5d, within 10d"},
		"to the second":              {10 * day, start, true, "within 10d"},
		"later":                      {10*day + 1, start, false, "not within 10d"},
		"by the clock":               {5 * day, time.Time{}, true, "expires in 5d"},
		"at the time of the listing": {5 * day, start.Add(-30 * day), false, "expires in 35d"},
	} {
		o := expiring(test.left)
		o.SSL.At = test.at
		if due, why := h.Due(o); due != test.due || !strings.Contains(why, test.says) {
			t.Errorf("%s: due %v (%s), want %v and %q", name, due, why, test.due, test.says)
		}
	}
}

// Observing an instance needs no region and changes nothing.
func TestObserving(t *testing.T) {
	c, _ := around("cn-shanghai")
	const there = "r-place0000"
	for name, test := range map[string]struct {
		ref  handler.Ref
		kind handler.Kind
	}{
		"by its id":           {handler.Ref{InstanceID: there}, ""},
		"by id and region":    {handler.Ref{InstanceID: there, RegionID: "cn-shanghai"}, ""},
		"in a wrong region":   {handler.Ref{InstanceID: there, RegionID: "cn-beijing"}, ""}, // one endpoint serves several regions
		"in a region unknown": {handler.Ref{InstanceID: there, RegionID: "cn-qingdao"}, handler.Forbidden},
		"in no region":        {handler.Ref{InstanceID: there, RegionID: "x/"}, handler.Invalid},
		"by no id":            {handler.Ref{InstanceID: "x"}, handler.Invalid},
		"that is nowhere":     {handler.Ref{InstanceID: "r-gonegone"}, handler.NotFound},
	} {
		ref, o, err := placed(c, threeRegions...).Observe(context.Background(), test.ref)
		if test.kind != "" {
			if !errors.Is(err, test.kind) {
				t.Errorf("one %s is seen as %+v, %v, want %s", name, o, err, test.kind)
			}
			continue
		}
		if err != nil || ref != (handler.Ref{InstanceID: there, RegionID: "cn-shanghai"}) || !o.Expires.Equal(start.Add(5*day)) {
			t.Errorf("one %s is seen as %+v in %+v, %v", name, o, ref, err)
		}
	}
	if c.AllRestarts() != 0 || len(c.TagsOf(there)) != 0 {
		t.Errorf("looking came to %d restarts and the tags %v", c.AllRestarts(), c.TagsOf(there))
	}
	alone := handler.New(c, handler.Options{Regions: []string{"cn-shanghai"}, Now: c.Now})
	if ref, _, err := alone.Observe(context.Background(), handler.Ref{InstanceID: there}); err != nil || ref.RegionID != "cn-shanghai" {
		t.Errorf("in the only region it is seen in %+v, %v", ref, err)
	}
	c.Change(there, func(o *handler.Observation) { o.Region = "cn-qingdao" })
	if _, _, err := placed(c, threeRegions...).Observe(context.Background(), handler.Ref{InstanceID: there, RegionID: "cn-beijing"}); !errors.Is(err, handler.Forbidden) {
		t.Errorf("an instance that is in a region not allowed is seen: %v", err)
	}
}

// The handler copies its settings.
func TestTheSettingsAreCopied(t *testing.T) {
	policy := handler.Policy{Actions: []handler.Action{handler.Update}, Instances: []string{"*"}}
	regions := []string{"cn-hangzhou"}
	c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(5 * day)})
	h := handler.New(c, handler.Options{Policy: policy, Regions: regions, Now: c.Now, Sleep: c.Sleep})
	policy.Actions[0], policy.Instances[0], regions[0] = handler.Disable, "!*", "cn-shanghai"
	if result := ask(t, h, update()); result.Outcome != handler.Accepted {
		t.Errorf("after the caller changed its settings it ended %s (%s)", result.Outcome, result.Reason)
	}
}

// A plan does not promise a change that would be refused because there is no room for a
// tag.
func TestAPlanSaysThatAnInstanceHasAllItsTags(t *testing.T) {
	o := expiring(5 * day)
	o.Tags = map[string]string{}
	for n := range handler.MaxTags {
		o.Tags[fmt.Sprintf("owner%02d", n)] = "x"
	}
	_, h := on(o, handler.Options{})
	if result, _ := h.Plan(context.Background(), update()); result.Outcome != handler.Refused || !strings.Contains(result.Reason, "has 20 tags") {
		t.Errorf("the plan ended %s (%s), want refused", result.Outcome, result.Reason)
	}
	dry := update()
	dry.DryRun = true
	if result := ask(t, h, dry); result.Outcome != handler.Refused {
		t.Errorf("a dry run ended %s (%s), want refused", result.Outcome, result.Reason)
	}
	delete(o.Tags, "owner00")
	o.Tags["tairssl-lease-abcd1234"] = raisedBy(handler.Update, start.Add(4*day), 15*time.Minute, "")
	_, h = on(o, handler.Options{})
	if result, _ := h.Plan(context.Background(), update()); !strings.Contains(result.Reason, "may be removed at 2026-11-24T12:30:00Z") {
		t.Errorf("with a tag of an earlier change the plan says %s", result.Reason)
	}
}

// A plan of a Disable follows the same rules as other plans.
func TestAPlanOfADisableIsJudgedBeforeItIsRead(t *testing.T) {
	policy := handler.Policy{Actions: []handler.Action{handler.Disable}}
	for name, change := range map[string]func(*handler.Delivery){
		"another region": func(d *handler.Delivery) { d.RegionID = "eu-central-1" },
		"a bad id":       func(d *handler.Delivery) { d.InstanceID = "nothing" },
	} {
		c, h := on(expiring(5*day), handler.Options{Policy: policy})
		d := handler.Delivery{Trust: handler.Signed, Request: handler.Request{InstanceID: id, SSLEnabled: handler.Disable}}
		change(&d)
		if result, _ := h.Plan(context.Background(), d); result.Outcome != handler.Failed || len(c.Calls) != 0 {
			t.Errorf("%s: the plan ended %s (%s) after the calls %v", name, result.Outcome, result.Reason, c.Calls)
		}
	}
	_, h := on(expiring(5*day), handler.Options{Policy: policy})
	result, pinned := h.Plan(context.Background(), handler.Delivery{Trust: handler.Signed, Request: handler.Request{InstanceID: id, SSLEnabled: handler.Disable}})
	if result.Outcome != handler.Planned || pinned.SSLExpiredTime.IsZero() {
		t.Errorf("a good plan ended %s (%s), pinned to %s", result.Outcome, result.Reason, pinned.SSLExpiredTime)
	}
}
