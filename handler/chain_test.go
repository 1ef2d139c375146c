package handler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

var oldCA, newCA = strings.Repeat("0a", 32), strings.Repeat("1b", 32)

// authority gives the CA of a cloud's instance: the old one until the instance is
// changed.
type authority struct {
	*handlertest.Cloud
	before, after string
	errs          [2]error // before and after the change
	asked         []string
}

func (a *authority) ca(_ context.Context, region, from string) (string, error) {
	a.asked = append(a.asked, region+" "+from)
	if a.Instances[id].Expires.Before(start.AddDate(1, 0, 0)) {
		return a.before, a.errs[0]
	}
	return a.after, a.errs[1]
}

const chainURL = "https://apsaradb.oss.aliyuncs.com/ApsaraDB-CA-Chain.zip"

// watched is a due instance whose CA is compared.
func watched(before, after string, o handler.Observation, options handler.Options) (*authority, *handler.Handler) {
	a := &authority{before: before, after: after}
	o.CertDownloadURL = chainURL
	options.CA = a.ca
	if options.Wait == 0 {
		options.Wait = 2 * time.Minute
	}
	var h *handler.Handler
	a.Cloud, h = on(o, options)
	return a, h
}

func automaticUpdate() handler.Delivery {
	d := update()
	d.Automatic = true
	return d
}

// always is a policy with a window that is always open.
func always(t *testing.T) handler.Policy {
	t.Helper()
	w, err := handler.ParseWindow("any")
	if err != nil {
		t.Fatal(err)
	}
	return handler.Policy{Window: w}
}

// The result contains the CA before and after the change.
func TestTheCAIsComparedBeforeAndAfterAChange(t *testing.T) {
	unread := handler.Errorf(handler.Unavailable, "the CA chain cannot be had")
	const changed = "CA changed: clients that trust only the old one cannot connect"
	for name, test := range map[string]struct {
		before, after string
		errs          [2]error
		accept        []string
		want          handler.CAChange
		outcome       handler.Outcome
		alert, marked bool
		says          string
	}{
		"unchanged": {before: oldCA, after: oldCA, outcome: handler.Verified, want: handler.CAChange{Before: oldCA, After: oldCA, Says: "CA unchanged"}, says: "; CA unchanged (SHA-256 " + oldCA + ")"},
		"changed": {before: oldCA, after: newCA, outcome: handler.Verified, alert: true, marked: true,
			want: handler.CAChange{Before: oldCA, After: newCA, Changed: true, Says: changed}, says: changed + " (SHA-256 before " + oldCA + ", now " + newCA + ")"},
		"changed to one that is accepted": {before: oldCA, after: newCA, accept: []string{"x", newCA}, outcome: handler.Verified,
			want: handler.CAChange{Before: oldCA, After: newCA, Changed: true, Accepted: true, Says: changed + ". TAIRSSL_CA_ACCEPT names the new one"}, says: "TAIRSSL_CA_ACCEPT names the new one"},
		"changed from one that is accepted": {before: oldCA, after: newCA, accept: []string{oldCA}, outcome: handler.Verified, alert: true, marked: true,
			want: handler.CAChange{Before: oldCA, After: newCA, Changed: true, Says: changed}, says: changed},
		"not read before": {after: newCA, errs: [2]error{unread}, outcome: handler.Verified, alert: true,
			want: handler.CAChange{After: newCA, Says: "CA not compared: it could not be read before the change: the CA chain cannot be had"}, says: "CA not compared"},
		"not read after": {before: oldCA, errs: [2]error{nil, unread}, outcome: handler.Verified, alert: true,
			want: handler.CAChange{Before: oldCA, Says: "CA not compared: it cannot be read after the change: the CA chain cannot be had"}, says: "CA not compared"},
		"a fault": {before: oldCA, errs: [2]error{nil, errors.New("secret")}, outcome: handler.Verified, alert: true,
			want: handler.CAChange{Before: oldCA, Says: "CA not compared: it cannot be read after the change: an unexpected fault; the log has the details"}, says: "CA not compared"},
	} {
		t.Run(name, func(t *testing.T) {
			a, h := watched(test.before, test.after, expiring(5*day), handler.Options{CAAccept: test.accept})
			a.errs = test.errs
			result := ask(t, h, update())
			if result.CA == nil || *result.CA != test.want {
				t.Errorf("the CA is told as %+v, want %+v", result.CA, test.want)
			}
			if result.Outcome != test.outcome || result.Alert != test.alert || !strings.Contains(result.Reason, test.says) {
				t.Errorf("it ended %s (alert %t): %s", result.Outcome, result.Alert, result.Reason)
			}
			mark, marked := a.TagsOf(id)[handler.CAChangedTag]
			if marked != test.marked || marked && mark != test.after {
				t.Errorf("the instance is marked %t with %q", marked, mark)
			}
			if want := "cn-hangzhou " + chainURL; len(a.asked) != 2 || a.asked[0] != want || a.asked[1] != want {
				t.Errorf("the CA was asked for %v, want twice for %s", a.asked, want)
			}
		})
	}
}

// The CA is only read around an Update, and compared when the change is done.
func TestTheCAIsReadOnlyAroundAnUpdate(t *testing.T) {
	all := handler.Policy{Actions: []handler.Action{handler.Update, handler.Enable, handler.Disable}}
	for name, test := range map[string]struct {
		o       handler.Observation
		change  func(*handler.Delivery)
		lag     time.Duration
		outcome handler.Outcome
		asked   int
		says    string
	}{
		"not due":        {expiring(90 * day), func(*handler.Delivery) {}, time.Minute, handler.Unchanged, 0, ""},
		"only looked at": {expiring(5 * day), func(d *handler.Delivery) { d.DryRun = true }, time.Minute, handler.Planned, 0, ""},
		"Enable":         {handler.Observation{}, func(d *handler.Delivery) { d.SSLEnabled = handler.Enable }, time.Minute, handler.Verified, 0, ""},
		"Disable":        {expiring(5 * day), func(d *handler.Delivery) { d.SSLEnabled = handler.Disable }, time.Minute, handler.Verified, 0, ""},
		"not done yet":   {expiring(5 * day), func(*handler.Delivery) {}, time.Hour, handler.Accepted, 1, "CA not compared: the change was not watched to its end; raise TAIRSSL_WAIT"},
		"not watched":    {expiring(5 * day), func(d *handler.Delivery) { d.Wait = wait(0) }, time.Minute, handler.Accepted, 1, "CA not compared: the change was not watched to its end; raise TAIRSSL_WAIT"},
	} {
		a, h := watched(oldCA, newCA, test.o, handler.Options{Policy: all})
		a.Lag = test.lag
		d := update()
		test.change(&d)
		result := ask(t, h, d)
		says := ""
		if result.CA != nil {
			says = result.CA.Says
		}
		if result.Outcome != test.outcome || len(a.asked) != test.asked || says != test.says || result.Alert {
			t.Errorf("%s: it ended %s (alert %t) with the CA %+v after %d questions: %s", name, result.Outcome, result.Alert, result.CA, len(a.asked), result.Reason)
		}
	}
}

// The answer to a refused write contains no comparison.
func TestARefusedWriteTellsOfNoCA(t *testing.T) {
	a, h := watched(oldCA, newCA, expiring(5*day), handler.Options{})
	a.OnModify = func(context.Context, func()) error { return handler.Errorf(handler.Locked, "locked") }
	if result := ask(t, h, update()); result.Outcome != handler.Failed || result.CA != nil {
		t.Errorf("it ended %s with the CA %+v", result.Outcome, result.CA)
	}
}

// If the CA cannot be read before a change, nobody can know afterwards whether the CA
// changed. So no unattended change is made until the last day.
func TestAnAutomaticChangeWaitsForACAThatCanBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		left    time.Duration
		d       handler.Delivery
		outcome handler.Outcome
	}{
		"automatic":                     {5 * day, automaticUpdate(), handler.Deferred},
		"by a weak sender":              {5 * day, func() handler.Delivery { d := update(); d.Trust = handler.Weak; return d }(), handler.Deferred},
		"a second before the last day":  {day + time.Second, automaticUpdate(), handler.Deferred},
		"on the last day":               {day, automaticUpdate(), handler.Verified},
		"expired":                       {-day, automaticUpdate(), handler.Verified},
		"decided on by a person":        {5 * day, update(), handler.Verified},
		"confirmed by a person in chat": {5 * day, func() handler.Delivery { d := update(); d.Trust, d.Confirmed = handler.Weak, true; return d }(), handler.Verified},
	} {
		a, h := watched("", newCA, expiring(test.left), handler.Options{Policy: always(t)})
		a.errs[0] = handler.Errorf(handler.Unavailable, "the CA chain cannot be had")
		result := ask(t, h, test.d)
		deferred := test.outcome == handler.Deferred
		if result.Outcome != test.outcome || !result.Alert || (a.Restarts(id) == 0) != deferred || (result.CA == nil) != deferred {
			t.Errorf("%s: it ended %s (alert %t) after %d restarts: %s", name, result.Outcome, result.Alert, a.Restarts(id), result.Reason)
		}
		if !strings.Contains(result.Reason, "the CA chain cannot be had") {
			t.Errorf("%s: the reason is %q", name, result.Reason)
		}
		if tags := a.TagsOf(id); deferred && len(tags) > 0 {
			t.Errorf("%s: it left the tags %v", name, tags)
		}
	}
}

// If the time ends while the CA is read, the answer says nothing about the CA.
func TestTheTimeMayEndWhileTheCAIsRead(t *testing.T) {
	a, h := watched(oldCA, oldCA, expiring(5*day), handler.Options{Policy: always(t)})
	ctx, cancel := context.WithCancel(context.Background())
	h.CA = func(context.Context, string, string) (string, error) {
		cancel()
		return "", handler.Errorf(handler.Unavailable, "no answer in time")
	}
	result := h.Handle(ctx, []handler.Delivery{automaticUpdate()})[0]
	if result.Outcome != handler.Failed || !errors.Is(result.Error, handler.ErrNoTime) || !handler.LacksTime(ctx, result) || result.Alert || a.Restarts(id) != 0 {
		t.Errorf("it ended %s (alert %t) after %d restarts: %s", result.Outcome, result.Alert, a.Restarts(id), result.Reason)
	}
}

// A mark on one instance stops unattended changes of all instances in its region.
func TestAMarkedCAHoldsUpTheRegion(t *testing.T) {
	const other = "r-bp1zxszhcgatnx02"
	for name, test := range map[string]struct {
		mark   map[string]string
		region string
		accept []string
		d      handler.Delivery
		off    bool // the CA is not compared
		held   bool
	}{
		"marked":                            {map[string]string{handler.CAChangedTag: newCA}, "", nil, automaticUpdate(), false, true},
		"marked, another accepted":          {map[string]string{handler.CAChangedTag: newCA}, "", []string{oldCA}, automaticUpdate(), false, true},
		"marked with something else":        {map[string]string{handler.CAChangedTag: ""}, "", []string{newCA}, automaticUpdate(), false, true},
		"marked and accepted":               {map[string]string{handler.CAChangedTag: newCA}, "", []string{oldCA, newCA}, automaticUpdate(), false, false},
		"not marked":                        {map[string]string{"env": "prod"}, "", nil, automaticUpdate(), false, false},
		"marked in another region":          {map[string]string{handler.CAChangedTag: newCA}, "cn-shanghai", nil, automaticUpdate(), false, false},
		"marked, but a person decided":      {map[string]string{handler.CAChangedTag: newCA}, "", nil, update(), false, false},
		"marked, but the CA is not watched": {map[string]string{handler.CAChangedTag: newCA}, "", nil, automaticUpdate(), true, false},
	} {
		a, h := watched(oldCA, oldCA, expiring(5*day), handler.Options{Policy: always(t), CAAccept: test.accept, Regions: []string{"cn-hangzhou", "cn-shanghai"}})
		if test.off {
			h.CA = nil
		}
		marked := &handlertest.State{Observation: expiring(1000 * day)}
		marked.Status, marked.Region, marked.Tags = "Normal", test.region, test.mark
		a.Instances[other] = marked
		test.d.RegionID = "cn-hangzhou"
		result := ask(t, h, test.d)
		if held := result.Outcome == handler.Deferred; held != test.held || held != result.Alert || held != (result.Held != "") || held != (a.Restarts(id) == 0) {
			t.Errorf("%s: it ended %s (alert %t) after %d restarts: %s", name, result.Outcome, result.Alert, a.Restarts(id), result.Reason)
		}
		if says := fmt.Sprintf("the CA changed with the renewal of %s, so automatic changes in cn-hangzhou wait", other); test.held && !strings.Contains(result.Reason, says) || test.held && !strings.HasSuffix(result.Reason, "then set TAIRSSL_CA_ACCEPT="+test.mark[handler.CAChangedTag]) {
			t.Errorf("%s: the reason is %q, want %q in it", name, result.Reason, says)
		}
	}
}

// If the marks in a region cannot be listed, no instance there is changed unattended.
func TestARegionThatCannotBeListedForMarksIsNotChangedUnattended(t *testing.T) {
	a, h := watched(oldCA, oldCA, expiring(5*day), handler.Options{Policy: always(t)})
	a.OnList = func(string, int) error { return handler.Errorf(handler.Forbidden, "allow kvstore:DescribeInstances") }
	if result := ask(t, h, automaticUpdate()); result.Outcome != handler.Failed || result.Error.Kind != handler.Forbidden || a.Restarts(id) != 0 {
		t.Errorf("it ended %s after %d restarts: %s", result.Outcome, a.Restarts(id), result.Reason)
	}
}

// The mark uses the room among the tags and leaves one tag for the next change.
func TestTheMarkFindsRoomAmongTheTags(t *testing.T) {
	tagged := func(n int, more ...string) map[string]string {
		tags := map[string]string{}
		for i := range n {
			tags[fmt.Sprintf("owner-%d", i)] = "x"
		}
		for _, key := range more {
			tags[key] = "x"
		}
		return tags
	}
	for name, test := range map[string]struct {
		tags         map[string]string
		refuse       bool // refuse the tag
		marked, told bool
		none         bool // without flags
	}{
		"a few":                           {tagged(3), false, true, false, false},
		"18":                              {tagged(18), false, true, false, false},
		"19":                              {tagged(19), false, false, false, false},
		"18 and what was told":            {tagged(18, handler.ToldTag), false, true, false, false},
		"17 and what was told":            {tagged(17, handler.ToldTag), false, true, true, false},
		"19, one of them an earlier mark": {tagged(18, handler.CAChangedTag), false, true, false, false},
		"18, without flags":               {tagged(18), false, true, false, true},
		"19, without flags":               {tagged(19), false, false, false, true},
		"a policy of tags":                {tagged(1), true, false, false, false},
	} {
		o := expiring(5 * day)
		o.Tags = test.tags
		a, h := watched(oldCA, newCA, o, handler.Options{LeaseNone: test.none})
		a.OnTag = func(key, _ string) error {
			if key == handler.CAChangedTag && test.refuse {
				return handler.Errorf(handler.Forbidden, "the tag policy forbids it")
			}
			return nil
		}
		result := ask(t, h, update())
		tags := a.TagsOf(id)
		_, told := tags[handler.ToldTag]
		if result.Outcome != handler.Verified || !result.Alert || (tags[handler.CAChangedTag] == newCA) != test.marked || told != test.told {
			t.Errorf("%s: it ended %s (alert %t) with the tags %v: %s", name, result.Outcome, result.Alert, tags, result.Reason)
		}
		if says := strings.Contains(result.Reason, "TAIRSSL_PAUSE=1"); says == test.marked {
			t.Errorf("%s: the reason is %q", name, result.Reason)
		}
		if len(tags) > handler.MaxTags {
			t.Errorf("%s: it has %d tags", name, len(tags))
		}
		flags := 0
		for key := range maps.Keys(tags) {
			if strings.HasPrefix(key, "tairssl-lease-") {
				flags++
			}
		}
		if flags != 1 && !test.none {
			t.Errorf("%s: %d flags stand, want that of the change", name, flags)
		}
	}
}

// The CA is compared when the API reports the change as done. A handshake does not
// matter.
func TestTheCAIsComparedThoughTheHandshakeContradicts(t *testing.T) {
	a, h := watched(oldCA, newCA, encrypted(), handler.Options{Served: func(context.Context, string, int) (handler.Certificate, error) {
		return handler.Certificate{Expires: start.Add(5 * day), Names: []string{endpoint}}, nil
	}})
	result := ask(t, h, update())
	if result.Outcome != handler.Accepted || !result.Alert || !result.CA.Stops() || a.TagsOf(id)[handler.CAChangedTag] != newCA || len(a.asked) != 2 {
		t.Errorf("it ended %s (alert %t) with the CA %+v after %d questions: %s", result.Outcome, result.Alert, result.CA, len(a.asked), result.Reason)
	}
}
