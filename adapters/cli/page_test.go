package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/fleetpage"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

const day = 24 * time.Hour

// now is the time of every page in these tests: a Tuesday.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// on is the row of an instance with a certificate, as the command makes it.
func on(id string, left time.Duration, change ...func(*status)) status {
	o := handler.Observation{Instance: handler.Instance{Status: "Normal", ConnectionDomain: id + ".redis.rds.aliyuncs.com"},
		SSL: handler.SSL{Enabled: true, Expires: now.Add(left), CommonName: id + ".redis.rds.aliyuncs.com"}}
	s := status{InstanceID: id, RegionID: "cn-hangzhou", InstanceStatus: o.Status, SSLEnabled: "Enable", SSLExpiredTime: handler.At(o.Expires),
		CertCommonName: o.CommonName, ConnectionDomain: o.ConnectionDomain, CertDownloadURL: "https://bucket.example.com/ca.zip?Signature=secret", state: fleet.State{Ref: handler.Ref{RegionID: "cn-hangzhou", InstanceID: id}, Observation: o}}
	days := int(left / day)
	s.DaysLeft = &days
	h := handler.New(nil, handler.Options{Now: func() time.Time { return now }})
	if s.Due, s.Reason = h.Due(o); s.Due {
		s.state.Sweep.Outcome = handler.Planned
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func deferred(until time.Duration) func(*status) {
	return func(s *status) { s.state.Sweep.Outcome, s.DeferredUntil = handler.Deferred, handler.At(now.Add(until)) }
}

func alibaba(in time.Duration) func(*status) {
	return func(s *status) { s.ScheduledTime = handler.At(now.Add(in)) }
}

func off(s *status) {
	s.state.Observation.Tags, s.state.Sweep.Outcome = map[string]string{"tairssl": "off"}, handler.Refused
}

func wrongName(s *status) {
	s.CertCommonName, s.WrongName = "old.redis.rds.aliyuncs.com", true
}

func is(word string) func(*status) { return func(s *status) { s.InstanceStatus = word } }

func outcome(o handler.Outcome, reason string) func(*status) {
	return func(s *status) { s.state.Sweep.Outcome, s.Reason = o, reason }
}

// rowOn is the row of an instance on the page.
func rowOn(p handler.Policy, s status) fleetpage.Row {
	return fleetPage{Generated: now, Policy: p, Rows: []status{s}, Line: (&command{}).line}.page().Rows[0]
}

func TestEveryStateHasItsPlaceOnThePage(t *testing.T) {
	unreadable := handler.Errorf(handler.Forbidden, "the credentials may not call kvstore:DescribeInstanceSSL")
	for name, test := range map[string]struct {
		row     status
		group   fleetpage.Group
		rule    fleetpage.Rule
		in      time.Duration // until the renewal; negative if there is none
		why     string
		command string // the first command
	}{
		"far from expiry":             {on("r-abcd", 90*day), fleetpage.Fine, fleetpage.OwnWindow, 60 * day, "", "status"},
		"due":                         {on("r-abcd", 9*day), fleetpage.Due, fleetpage.WhenDue, 0, "", "update"},
		"expires this very moment":    {on("r-abcd", 0), fleetpage.Expired, fleetpage.WhenDue, 0, "", "update"},
		"expired, waits for a window": {on("r-abcd", -day, deferred(day)), fleetpage.Expired, fleetpage.Window, day, "", "update"},
		"expired and opted out":       {on("r-abcd", -day, off), fleetpage.Expired, fleetpage.OptedOutRule, -1, "", "update"},
		"waits for a window":          {on("r-abcd", 9*day, deferred(day)), fleetpage.Waiting, fleetpage.Window, day, "", "update"},
		"the window opens too late":   {on("r-abcd", 2*day, deferred(3*day), func(s *status) { s.Alert = true }), fleetpage.TooLate, fleetpage.Window, 3 * day, "", "update"},
		"the window is missed":        {on("r-abcd", 2*day, deferred(3*day)), fleetpage.TooLate, fleetpage.Window, 3 * day, "", "update"},
		"its region waits for a CA": {on("r-abcd", 9*day, deferred(0), func(s *status) {
			s.DeferredUntil, s.Alert, s.Rule, s.state.Sweep.Held = handler.Time{}, true, handler.RuleCA, "the CA changed with the renewal of r-other"
		}), fleetpage.Waiting, fleetpage.NewCA, -1, "the CA changed with the renewal of r-other", "update"},
		"renewed by Alibaba":          {on("r-abcd", 9*day, alibaba(day), deferred(day)), fleetpage.Waiting, fleetpage.Alibaba, day, "", "update"},
		"renewed early by Alibaba":    {on("r-abcd", 90*day, alibaba(day)), fleetpage.Fine, fleetpage.Alibaba, day, "", "status"},
		"renewed too late by Alibaba": {on("r-abcd", 9*day, alibaba(10*day)), fleetpage.Due, fleetpage.WhenDue, 0, "", "update"},
		"due and opted out":           {on("r-abcd", 9*day, off), fleetpage.OptedOut, fleetpage.OptedOutRule, -1, "", "update"},
		"opted out and not due":       {on("r-abcd", 90*day, off), fleetpage.OptedOut, fleetpage.OptedOutRule, -1, "", "update"},
		"being changed": {on("r-abcd", 9*day, is("SSLModifying"), outcome(handler.InProgress, "the instance is SSLModifying: a change of its encryption is under way")),
			fleetpage.Due, fleetpage.Busy, 0, "the instance is SSLModifying: a change of its encryption is under way", "update"},
		"refused":               {on("r-abcd", 9*day, outcome(handler.Refused, "r-abcd is not among the allowed instances")), fleetpage.Waiting, fleetpage.Forbidden, -1, "r-abcd is not among the allowed instances", "update"},
		"could not be judged":   {on("r-abcd", 9*day, outcome(handler.Failed, "the rate is used up")), fleetpage.Due, fleetpage.WhenDue, 0, "the rate is used up", "update"},
		"wrong name":            {on("r-abcd", 90*day, wrongName), fleetpage.WrongName, fleetpage.OwnWindow, 60 * day, "The certificate is for old.redis.rds.aliyuncs.com, but the endpoint is r-abcd.redis.rds.aliyuncs.com.", "update"},
		"wrong name and due":    {on("r-abcd", 9*day, wrongName), fleetpage.Due, fleetpage.WhenDue, 0, "The certificate is for old.redis.rds.aliyuncs.com, but the endpoint is r-abcd.redis.rds.aliyuncs.com.", "update"},
		"of a type without":     {status{InstanceID: "r-abcd", SSLEnabled: noTLS, InstanceStatus: "Inactive"}, fleetpage.NoTLS, fleetpage.NothingToRenew, -1, "The instance is Inactive.", ""},
		"encryption is off":     {status{InstanceID: "r-abcd", SSLEnabled: "Disable", InstanceStatus: "Normal"}, fleetpage.NoEncryption, fleetpage.NothingToRenew, -1, "", "enable"},
		"does not run":          {on("r-abcd", 9*day, is("Inactive")), fleetpage.Stopped, fleetpage.NothingToRenew, -1, "The instance is Inactive.", "status"},
		"does not run, expired": {on("r-abcd", -day, is("Released")), fleetpage.Stopped, fleetpage.NothingToRenew, -1, "The instance is Released.", "status"},
		"could not be read":     {status{InstanceID: "r-abcd", Error: unreadable}, fleetpage.Unreadable, fleetpage.NothingToRenew, -1, unreadable.Error(), "status"},
		"the API gives no expiry": {status{InstanceID: "r-abcd", SSLEnabled: "Enable"}, fleetpage.Unreadable, fleetpage.NothingToRenew, -1,
			"Encryption is on, but the API gives no expiry. Try again.", "status"},
	} {
		r := rowOn(handler.Policy{}, test.row)
		want := time.Time{}
		if test.in >= 0 {
			want = now.Add(test.in)
		}
		if r.Group != test.group || r.Renewal.Rule != test.rule || !r.Renewal.At.Equal(want) || r.Why != test.why {
			t.Errorf("%s: the page says %s, %v, %s, %q\nwant %s, %v, %s, %q", name, r.Group.Word(), r.Renewal.At, r.Renewal.Rule, r.Why, test.group.Word(), want, test.rule, test.why)
		}
		command := ""
		if len(r.Commands) > 0 {
			command = strings.Fields(r.Commands[0])[1]
		}
		if command != test.command {
			t.Errorf("%s: the first command is %q, want %q", name, command, test.command)
		}
	}
}

func TestSettingsDecideWhenARowIsRenewed(t *testing.T) {
	window := func(s string) handler.Window {
		w, err := handler.ParseWindow(s)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	own := func(s *status) {
		s.state.Observation.MaintainStartTime, s.state.Observation.MaintainEndTime = "18:00Z", "22:00Z"
	}
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for name, test := range map[string]struct {
		policy handler.Policy
		row    status
		at     time.Time
		rule   fleetpage.Rule
		window string
	}{
		"at any time":            {handler.Policy{Window: window("any")}, on("r-abcd", 90*day), at("2027-01-23T12:00:00Z"), fleetpage.WhenDue, "any time"},
		"in a written window":    {handler.Policy{Window: window("Sat,Sun 02:00-05:00 Asia/Shanghai")}, on("r-abcd", 90*day), at("2027-01-23T18:00:00Z"), fleetpage.Window, "Sat,Sun 02:00-05:00 Asia/Shanghai"},
		"in its own window":      {handler.Policy{}, on("r-abcd", 90*day, own), at("2027-01-23T18:00:00Z"), fleetpage.Window, "18:00 to 22:00 UTC"},
		"in one that is unknown": {handler.Policy{}, on("r-abcd", 90*day), at("2027-01-23T12:00:00Z"), fleetpage.OwnWindow, ""},
		"earlier":                {handler.Policy{Window: window("any"), RenewBefore: 60 * day}, on("r-abcd", 90*day), at("2026-12-24T12:00:00Z"), fleetpage.WhenDue, "any time"},
		"paused":                 {handler.Policy{Pause: true}, on("r-abcd", 90*day), time.Time{}, fleetpage.Paused, ""},
		"not allowed to update":  {handler.Policy{Actions: []handler.Action{handler.Enable}}, on("r-abcd", 90*day), time.Time{}, fleetpage.Forbidden, ""},
		"not covered":            {handler.Policy{Instances: []string{"!r-abcd"}}, on("r-abcd", 90*day), time.Time{}, fleetpage.Forbidden, ""},
	} {
		r := rowOn(test.policy, test.row)
		shown := ""
		for _, f := range r.Facts {
			if f.Name == "Maintenance window" {
				shown = f.Value
			}
		}
		if !r.Renewal.At.Equal(test.at) || r.Renewal.Rule != test.rule || shown != test.window {
			t.Errorf("%s: the page says %v, %s, in the window %q, want %v, %s, %q", name, r.Renewal.At, r.Renewal.Rule, shown, test.at, test.rule, test.window)
		}
	}
}

func TestCommandsOnThePageCanBePasted(t *testing.T) {
	commands := func(c command, s status) []string {
		return fleetPage{Generated: now, Rows: []status{s}, Line: c.line}.page().Rows[0].Commands
	}
	if got, want := commands(command{profile: "prod"}, on("r-abcd", 9*day)), []string{"tairssl update r-abcd --region cn-hangzhou --profile prod", "tairssl status r-abcd --region cn-hangzhou --profile prod"}; !slices.Equal(got, want) {
		t.Errorf("the commands are %q, want %q", got, want)
	}
	odd := func(s *status) { s.RegionID = "cn-x; rm -rf ~" }
	if got, want := commands(command{profile: "it's mine"}, on("r-abcd", 90*day, odd)), []string{`tairssl status r-abcd --region 'cn-x; rm -rf ~' --profile 'it'\''s mine'`}; !slices.Equal(got, want) {
		t.Errorf("the commands are %q, want %q", got, want)
	}
	if got, want := commands(command{emulate: true}, on("r-abcd", 90*day)), []string{"tairssl status r-abcd --region cn-hangzhou --emulate"}; !slices.Equal(got, want) {
		t.Errorf("with an emulated cloud the commands are %q, want %q", got, want)
	}
	if got, want := (&command{profile: "prod", region: "cn-hangzhou"}).again("/home/me/fleet.html", map[string]string{"team": "a b", "env": "prod"}), "tairssl status --all --html fleet.html --region cn-hangzhou --profile prod --tag env=prod --tag 'team=a b'"; got != want {
		t.Errorf("the command for the page is %q, want %q", got, want)
	}
	for _, id := range []string{"r-abcd; reboot", "--all", "$(reboot)", ""} {
		if got := commands(command{}, on(id, 9*day)); got != nil {
			t.Errorf("the invalid id %q is in the commands %q", id, got)
		}
	}
}

func TestThePageContainsNoSecret(t *testing.T) {
	var b strings.Builder
	p := fleetPage{Generated: now, Regions: []string{"cn-hangzhou", "cn-beijing", "cn-qingdao"}, Rows: []status{on("r-abcd", 9*day), on("r-abce", 90*day)}, Line: (&command{}).line, Coverage: []fleet.Coverage{
		{RegionID: "cn-hangzhou", Listed: 2, Read: 2}, {RegionID: "cn-qingdao"},
		{RegionID: "cn-beijing", Error: handler.Errorf(handler.Forbidden, "could not list cn-beijing: the role may not call kvstore:DescribeInstances")},
	}}
	if err := writePage(&b, p); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "Signature") || strings.Contains(b.String(), "bucket.example.com") {
		t.Error("the page holds the signed address of a certificate")
	}
	for _, want := range []string{"r-abcd", "r-abce", "could not list cn-beijing", "There is no instance in cn-qingdao"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	full := errors.New("no space left on device")
	if err := writePage(writerFunc(func([]byte) (int, error) { return 0, full }), p); !errors.Is(err, full) {
		t.Errorf("a full disk is reported as %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
