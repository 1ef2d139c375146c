package cli

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

const day = 24 * time.Hour

// now is the moment of every page here: a Tuesday.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// on is an instance with a certificate, judged as the command does.
func on(id string, left time.Duration, change ...func(*status)) status {
	o := handler.Observation{Instance: handler.Instance{Status: "Normal", ConnectionDomain: id + ".redis.rds.aliyuncs.com"},
		SSL: handler.SSL{Enabled: true, Expires: now.Add(left), CommonName: id + ".redis.rds.aliyuncs.com"}}
	s := status{InstanceID: id, RegionID: "cn-hangzhou", InstanceStatus: o.Status, SSLEnabled: "Enable", SSLExpiredTime: handler.At(o.Expires),
		CertCommonName: o.CommonName, ConnectionDomain: o.ConnectionDomain, CertDownloadURL: "https://bucket.example.com/ca.zip?Signature=secret"}
	days := int(left / day)
	s.DaysLeft = &days
	h := handler.New(nil, handler.Options{Now: func() time.Time { return now }})
	s.Due, s.Reason = h.Due(o)
	for _, f := range change {
		f(&s)
	}
	return s
}

func called(name string) func(*status) { return func(s *status) { s.InstanceName = name } }

// smallFleet has one of everything.
func smallFleet() fleetPage {
	coverage := []fleet.Coverage{
		{RegionID: "cn-shanghai", Listed: 4, Read: 3, Unread: 1}, {RegionID: "cn-hangzhou", Listed: 7, Read: 7}, {RegionID: "cn-qingdao"},
		{RegionID: "cn-beijing", Error: handler.Errorf(handler.Forbidden, "could not list cn-beijing: the role may not call kvstore:DescribeInstances")},
	}
	return fleetPage{Generated: now, Regions: []string{"cn-shanghai", "cn-hangzhou", "cn-qingdao", "cn-beijing"}, Coverage: coverage, Rows: []status{
		on("r-bp1zxszhcgatnx02", 200*day+time.Hour, called("sessions")),
		on("r-bp1zxszhcgatnx01", 12*day+time.Hour, called("orders & carts <eu>")),
		{InstanceID: "r-bp1zxszhcgatnx03", RegionID: "cn-hangzhou", InstanceName: "thumbnails", InstanceStatus: "Normal", SSLEnabled: "Disable"},
		{InstanceID: "r-bp1zxszhcgatnx11", RegionID: "cn-hangzhou", InstanceName: "r-bp1zxszhcgatnx11", InstanceStatus: "Inactive", SSLEnabled: "none", Reason: "this type of instance has no TLS; the instance is Inactive, so nothing is renewed"},
		on("r-bp1zxszhcgatnx04", -3*day),
		on("tt-bp1zxszhcgatnx05", 5*day+time.Hour, func(s *status) { s.DeferredUntil = handler.At(now.Add(4 * day)) }),
		on("r-bp1zxszhcgatnx06", 90*day+time.Hour, func(s *status) {
			s.CertCommonName, s.WrongName = "old-endpoint.redis.rds.aliyuncs.com", true
			s.Reason += "; its name old-endpoint.redis.rds.aliyuncs.com is not that of the endpoint r-bp1zxszhcgatnx06.redis.rds.aliyuncs.com, which an Update may cure: ask for one with SSLExpiredTime"
		}),
		on("r-uf6zxszhcgatnx07", 25*day, func(s *status) { s.RegionID, s.ScheduledTime = "cn-shanghai", handler.At(now.Add(20*day)) }),
		on("r-uf6zxszhcgatnx08", 30*time.Hour, func(s *status) {
			s.RegionID, s.DeferredUntil, s.Alert = "cn-shanghai", handler.At(now.Add(4*day)), true
		}),
		{InstanceID: "r-uf6zxszhcgatnx09", RegionID: "cn-shanghai", Error: handler.Errorf(handler.Forbidden, "the credentials may not call kvstore:DescribeInstanceSSL")},
		on("r-uf6zxszhcgatnx10", 1000*day, func(s *status) { s.RegionID, s.InstanceStatus = "cn-shanghai", "SSLModifying" }),
	}}
}

// denseFleet has n instances, as a company that grows has them.
func denseFleet(n int) fleetPage {
	p := fleetPage{Generated: now, Regions: []string{"cn-hangzhou", "cn-shanghai", "ap-southeast-1"}}
	for i := range n {
		left := time.Duration((i*i*7919)%(1095*24)-8*24) * time.Hour
		s := on(fmt.Sprintf("r-bp1%012x%03d", i*i*104729, i%1000), left)
		s.RegionID = p.Regions[i%3]
		switch {
		case i%97 == 0:
			s = status{InstanceID: s.InstanceID, RegionID: s.RegionID, Error: handler.Errorf(handler.Throttled, "the API's rate is used up; later it will do")}
		case i%41 == 0:
			s.SSLEnabled, s.SSLExpiredTime, s.Due, s.Reason, s.DaysLeft = "Disable", handler.Time{}, false, "", nil
		case s.Due && i%3 == 0:
			s.DeferredUntil = handler.At(now.Add(time.Duration(i%6+1) * day))
			s.Alert = s.DeferredUntil.After(s.SSLExpiredTime.Time)
		case s.Due && i%5 == 0:
			s.ScheduledTime = handler.At(now.Add(time.Duration(i%9+1) * day))
		case i%211 == 0:
			s.WrongName, s.CertCommonName = true, "old.redis.rds.aliyuncs.com"
		}
		p.Rows = append(p.Rows, s)
	}
	return p
}

func render(t interface{ Fatal(...any) }, p fleetPage) string {
	var b bytes.Buffer
	if err := writePage(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// element is what a page holds at one place.
type element struct {
	name  string
	attrs map[string]string
	path  []string // the elements around it and itself, by name and id
	text  string   // within it, without what elements in it hold
}

// parse reads a page as a tree that must be well formed.
func parse(t interface{ Fatalf(string, ...any) }, page string) (elements []*element) {
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(open) > 0 {
				t.Fatalf("<%s> is never closed", open[len(open)-1].name)
			}
			return elements
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				e.path = slices.Clone(open[len(open)-1].path)
			}
			e.path = append(e.path, e.name+"#"+e.attrs["id"])
			elements, open = append(elements, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		}
	}
}

// under finds the elements of a name inside the one with an id.
func under(elements []*element, id, name string) (found []*element) {
	for _, e := range elements {
		inside := slices.ContainsFunc(e.path, func(s string) bool { return strings.HasSuffix(s, "#"+id) })
		if inside && e.name == name {
			found = append(found, e)
		}
	}
	return found
}

// shape is the page without its words: its elements and their attributes.
func shape(page []*element) string {
	var b strings.Builder
	for _, e := range page {
		var names []string
		for name := range e.attrs {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintln(&b, e.path, names)
	}
	return b.String()
}

func TestPageOfASmallFleet(t *testing.T) {
	p := smallFleet()
	before := fmt.Sprint(p)
	got := render(t, p)
	if fmt.Sprint(p) != before {
		t.Error("the caller's rows were changed")
	}
	golden := filepath.Join("testdata", "fleet.html")
	if *updateGolden {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page has changed; look at it in a browser and, if it is right, run the test with -update")
	}
}

func TestPageSumsUp(t *testing.T) {
	v := smallFleet().view()
	var cards []string
	for _, c := range v.Cards {
		cards = append(cards, fmt.Sprintf("%d %s", c.Count, c.Word))
	}
	want := "11 instances, 1 expired, 5 due, 2 deferred, 1 scheduled by Alibaba, 1 wrong name, 1 unreadable"
	if got := strings.Join(cards, ", "); got != want {
		t.Errorf("the summary says\n%s, want\n%s", got, want)
	}
	if got := strings.Join(v.Headline, " "); !strings.Contains(got, "5 of 11 instances, of which 1 expired already") || !strings.Contains(got, "in time for 1 of them") || !strings.Contains(got, "1 could not be read") {
		t.Errorf("the headline says %s", got)
	}
	if v.Regions != "cn-beijing, cn-hangzhou, cn-qingdao, cn-shanghai" {
		t.Errorf("the regions are %s", v.Regions)
	}
	sections := map[string]string{}
	for _, s := range v.Sections {
		for _, l := range s.Lines {
			sections[s.ID] += fmt.Sprintf("%s %s: %s\n", l.ID[len(l.ID)-2:], l.At, l.Text)
		}
	}
	for id, want := range map[string]string{
		"due": "04 2026-11-21T12:00:00Z: certificate expired 3d ago\n" +
			"08 2026-11-25T18:00:00Z: deferred until 2026-11-28 12:00, after it expires; certificate expires in 30h, within 30d\n" +
			"05 2026-11-29T13:00:00Z: deferred until 2026-11-28 12:00; certificate expires in 5d, within 30d\n" +
			"01 2026-12-06T13:00:00Z: certificate expires in 12d, within 30d\n" +
			"07 2026-12-19T12:00:00Z: scheduled by Alibaba for 2026-12-14 12:00; certificate expires in 25d, within 30d\n",
		"deferred": "08 2026-11-28T12:00:00Z: expires 2026-11-25 18:00, before that\n" +
			"05 2026-11-28T12:00:00Z: expires 2026-11-29, 5d left\n",
		"scheduled":  "07 2026-12-14T12:00:00Z: expires 2026-12-19, 25d left\n",
		"wrong-name": "06 2027-02-22T13:00:00Z: certificate old-endpoint.redis.rds.aliyuncs.com; endpoint r-bp1zxszhcgatnx06.redis.rds.aliyuncs.com\n",
		"unreadable": "09 : forbidden: the credentials may not call kvstore:DescribeInstanceSSL\n",
	} {
		if sections[id] != want {
			t.Errorf("section %s has\n%s, want\n%s", id, sections[id], want)
		}
	}
	var order []string
	for _, e := range v.Entries {
		order = append(order, e.ID[len(e.ID)-2:])
	}
	if got := strings.Join(order, " "); got != "04 08 05 01 07 06 02 10 09 03 11" {
		t.Errorf("the table's order is %s, want that of days left, then what is unreadable, then what is off, then what has no TLS", got)
	}
}

func TestPageNamesTheInstancesAndWhatItLacks(t *testing.T) {
	elements := parse(t, render(t, smallFleet()))
	var names []string
	for _, e := range under(elements, "all", "bdi") {
		names = append(names, e.text)
	}
	if got := strings.Join(names, ", "); got != "orders & carts <eu>, sessions, thumbnails" {
		t.Errorf("the names in the table are %s", got)
	}
	v := smallFleet().view()
	if want := "could not list cn-beijing: the role may not call kvstore:DescribeInstances"; len(v.Unread) != 1 || v.Unread[0] != want || v.Empty != "cn-qingdao" {
		t.Errorf("not read are %q and empty is %s, want %s and cn-qingdao", v.Unread, v.Empty, want)
	}
	last := v.Entries[len(v.Entries)-1]
	if last.State != without || last.Why != "the instance is Inactive" {
		t.Errorf("an instance without TLS that does not run is %s: %s", last.State.Word(), last.Why)
	}
	off := fleetPage{Generated: now, Rows: []status{on("r-abcd", -day, func(s *status) { s.Due, s.InstanceStatus = false, "Inactive" })}}.view()
	if e := off.Entries[0]; e.Due || e.State != expired || !strings.Contains(e.Why, "the instance is Inactive") {
		t.Errorf("an expired certificate of an instance that does not run is due: %v, %s: %s", e.Due, e.State.Word(), e.Why)
	}
	nothing := render(t, fleetPage{Generated: now, Regions: []string{"cn-beijing"}, Coverage: smallFleet().Coverage[3:]})
	if !strings.Contains(nothing, "may not call kvstore:DescribeInstances") {
		t.Error("a page without an instance does not say that the region could not be listed")
	}
}

func TestStateOfAnInstance(t *testing.T) {
	for name, test := range map[string]struct {
		row  status
		want state
	}{
		"far from expiry":                     {on("r-abcd", 90*day), good},
		"due":                                 {on("r-abcd", 9*day), due},
		"expires this very moment":            {on("r-abcd", 0), expired},
		"expired and deferred":                {on("r-abcd", -day, func(s *status) { s.DeferredUntil = handler.At(now.Add(day)) }), expired},
		"deferred":                            {on("r-abcd", 9*day, func(s *status) { s.DeferredUntil = handler.At(now.Add(day)) }), deferred},
		"scheduled in time":                   {on("r-abcd", 9*day, func(s *status) { s.ScheduledTime = handler.At(now.Add(day)) }), scheduled},
		"scheduled too late":                  {on("r-abcd", 9*day, func(s *status) { s.ScheduledTime = handler.At(now.Add(10 * day)) }), due},
		"of a type without TLS":               {status{InstanceID: "r-abcd", SSLEnabled: "none", Reason: "this type of instance has no TLS"}, without},
		"encryption is off":                   {status{InstanceID: "r-abcd", SSLEnabled: "Disable"}, off},
		"could not be read":                   {status{InstanceID: "r-abcd", Error: handler.Errorf(handler.NotFound, "no such instance")}, unreadable},
		"encryption is on, but expiry is not": {status{InstanceID: "r-abcd", SSLEnabled: "Enable"}, unreadable},
	} {
		if got := judge(test.row, now); got != test.want {
			t.Errorf("%s: the state is %s, want %s", name, got.Word(), test.want.Word())
		}
		render(t, fleetPage{Generated: now, Rows: []status{test.row}})
	}
	for s, row := range states {
		if row.word == "" || !strings.Contains(pageHTML, "."+row.class+" { --c:") || strings.Count(pageHTML, "--"+row.class+": #") != 2 {
			t.Errorf("state %d (%q) lacks its word, or a colour in one of the schemes", s, row.word)
		}
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	for name, p := range map[string]fleetPage{"small": smallFleet(), "dense": denseFleet(300), "large": denseFleet(maxRows + 500), "needy": needyFleet(maxRows + 500), "empty": {Generated: now}} {
		page := render(t, p)
		for _, bad := range []string{"http:", "https:", "//", "url(", "@import", "<script", "<link", "<img", " src=", " style=", "javascript:", "Signature"} {
			if strings.Contains(page, bad) {
				t.Errorf("the %s page holds %s", name, bad)
			}
		}
		elements := parse(t, page)
		ids := map[string]bool{}
		for _, e := range elements {
			if id := e.attrs["id"]; id != "" {
				if ids[id] {
					t.Errorf("the %s page has the id %s twice", name, id)
				}
				ids[id] = true
			}
		}
		policy := ""
		for _, e := range elements {
			if e.attrs["http-equiv"] == "Content-Security-Policy" {
				policy = e.attrs["content"]
			}
			for _, attr := range []string{"href", "aria-labelledby"} {
				if target, ok := e.attrs[attr]; ok && !ids[strings.TrimPrefix(target, "#")] {
					t.Errorf("in the %s page %s=%q leads nowhere", name, attr, target)
				}
			}
		}
		if policy != "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'" {
			t.Errorf("the %s page's Content-Security-Policy is %q", name, policy)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	fill := func(text string) fleetPage {
		bad := func(left time.Duration) status {
			return on(text, left, func(s *status) {
				s.InstanceName = "the name " + text
				s.RegionID, s.InstanceStatus, s.Reason, s.CertCommonName, s.ConnectionDomain = text, text, text, text, text
				s.CertDownloadURL, s.WrongName, s.Alert = text, true, true
				s.DeferredUntil, s.ScheduledTime = handler.At(now.Add(day)), handler.At(now.Add(day))
			})
		}
		p := fleetPage{Generated: now, Regions: []string{text}, Coverage: []fleet.Coverage{{RegionID: text}, {RegionID: text, Error: handler.Errorf(handler.Forbidden, "%s", text)}}}
		for range 10 {
			p.Rows = append(p.Rows, bad(5*day), bad(500*day))
		}
		p.Rows = append(p.Rows, status{InstanceID: text, RegionID: text, SSLEnabled: text, Error: &handler.Error{Kind: handler.Kind(text), Code: text, Message: text}})
		p.Rows = append(p.Rows, status{InstanceID: text, RegionID: text, SSLEnabled: text, Reason: text})
		return p
	}
	want := shape(parse(t, render(t, fill("harmless"))))
	for hostile, shown := range map[string]string{
		`<script>alert(1)</script>`:            `<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`:       `"><img src=x onerror=alert(1)>`,
		`' onload='alert(1)`:                   `' onload='alert(1)`,
		`</td></table></style></title><b>`:     `</td></table></style></title><b>`,
		`{{.Entries}} &lt;b&gt; <!-- ]]>`:      `{{.Entries}} &lt;b&gt; <!-- ]]>`,
		"javascript:alert(1)":                  "javascript:alert(1)",
		"r-\u202edcba\u202c\u200f\u2066\u200b": `r-\u202edcba\u202c\u200f\u2066\u200b`,
		"a\x00b\x1b[31m\nc\xff":                `a\u0000b\u001b[31m\u000ac` + "\ufffd",
	} {
		page := render(t, fill(hostile))
		elements := parse(t, page)
		if got := shape(elements); got != want {
			t.Errorf("%q changes the elements of the page", hostile)
		}
		for _, code := range under(elements, "all", "code") {
			if code.text != shown {
				t.Errorf("%q is shown as %q, want %q", hostile, code.text, shown)
			}
		}
		for _, name := range under(elements, "all", "bdi") {
			if name.text != "the name "+shown {
				t.Errorf("the name %q is shown as %q, want %q", hostile, name.text, "the name "+shown)
			}
		}
		if strings.ContainsAny(page, "\u202e\u202c\u200f\u2066\u200b\x00\x1b") {
			t.Errorf("%q reaches the page with what can not be seen", hostile)
		}
	}
	if got := plain(strings.Repeat("€", 401)); got != strings.Repeat("€", 400)+"…" {
		t.Errorf("a long text is cut to %d bytes", len(got))
	}
}

func TestTableHoldsEveryInstanceOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "n")
		p := fleetPage{Generated: now, RenewBefore: time.Duration(rapid.IntRange(0, 4320).Draw(t, "h")) * time.Hour}
		want := map[string]int{}
		for i := range n {
			id := fmt.Sprintf("r-%04d%s", i, rapid.String().Draw(t, "id"))
			s := on(id, time.Duration(rapid.IntRange(-2000, 3000).Draw(t, "left"))*day)
			s.Reason, s.RegionID = rapid.String().Draw(t, "why"), rapid.String().Draw(t, "region")
			s.WrongName, s.Alert, s.Due = rapid.Bool().Draw(t, "wrong"), rapid.Bool().Draw(t, "alert"), rapid.Bool().Draw(t, "due")
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				s = status{InstanceID: id, Error: handler.Errorf(handler.Internal, "%s", rapid.String().Draw(t, "message"))}
			case 1:
				s = status{InstanceID: id, SSLEnabled: "Disable"}
			case 2:
				s.DeferredUntil = handler.At(now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "until")) * day))
			case 3:
				s.ScheduledTime = handler.At(now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "at")) * day))
			}
			p.Rows = append(p.Rows, s)
			want[plain(id)]++
		}
		elements := parse(t, render(t, p))
		got := map[string]int{}
		if n > 0 {
			for _, code := range under(elements, "all", "code") {
				got[code.text]++
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("the table has %v, want each once: %v", got, want)
		}
	})
}

func TestDensePageStaysSmall(t *testing.T) {
	p := denseFleet(2000)
	page := render(t, p)
	if len(page) > 1_500_000 {
		t.Errorf("2,000 instances make %d bytes", len(page))
	}
	elements := parse(t, page)
	if got := len(under(elements, "all", "code")); got != 2000 {
		t.Errorf("the table has %d instances, want 2000", got)
	}
	if got := len(under(elements, "due", "code")) - 1; got != maxLines {
		t.Errorf("%d are listed as due, want the first %d", got, maxLines)
	}
	if v := p.view(); v.Sections[0].More != v.Cards[2].Count-maxLines {
		t.Errorf("%d of %d due ones are said to be in the table only", v.Sections[0].More, v.Cards[2].Count)
	}
}

// needyFleet has nothing but certificates that are due.
func needyFleet(n int) fleetPage {
	p := fleetPage{Generated: now}
	for i := range n {
		p.Rows = append(p.Rows, on(fmt.Sprintf("r-needy%06d", i), time.Duration(i%29+1)*day, func(s *status) { s.DeferredUntil = handler.At(now.Add(time.Duration(n-i) * time.Minute)) }))
	}
	return p
}

// A browser must not choke on a large fleet, and what is left out is told.
func TestPageOfALargeFleetIsBounded(t *testing.T) {
	p := denseFleet(10_000)
	page := render(t, p)
	if len(page) > 1_200_000 {
		t.Errorf("10,000 instances make %d bytes", len(page))
	}
	elements := parse(t, page)
	if len(elements) > 25_000 {
		t.Errorf("10,000 instances make %d elements", len(elements))
	}
	if got := len(under(elements, "all", "tr")) - 1; got != maxRows {
		t.Errorf("the table has %d instances, want %d", got, maxRows)
	}
	v := p.view()
	sum := 0
	for _, m := range v.Rest.Months {
		sum += m.Total
	}
	if len(v.Listed)+v.Rest.Count != 10_000 || sum != v.Rest.Count || v.Cards[0].Count != 10_000 || v.Line.Count+count(v.Entries, func(e entry) bool { return e.Expires.IsZero() }) != 10_000 {
		t.Errorf("%d are listed, %d are left out, by month %d, and the time line has %d", len(v.Listed), v.Rest.Count, sum, v.Line.Count)
	}
	for _, e := range v.Entries {
		if e.Anchor == 0 && (e.Due || e.WrongName || e.State == unreadable) {
			t.Errorf("%s, which is %s, is not in the table", e.ID, e.State.Word())
		}
	}
	if !strings.Contains(page, "2000 of 10000 instances") || !strings.Contains(page, "Listed are all that need something") {
		t.Error("the page does not say what its table leaves out")
	}
	if page := render(t, needyFleet(maxRows+500)); !strings.Contains(page, "The other 500 are") || !strings.Contains(page, "the most urgent of those that need something") || strings.Contains(page, "more: all are") {
		t.Error("the page of a fleet of which more is due than the table holds does not say so")
	}
}

// Less than a day from now, to either side, is no day left; what has expired
// stands above all the same.
func TestStatusIsSortedToTheSecond(t *testing.T) {
	rows := []status{on("r-aaaa", 5*time.Hour), {InstanceID: "r-off1", SSLEnabled: "Disable"}, on("r-bbbb", 2*time.Hour), on("r-cccc", -time.Hour), {InstanceID: "r-gone", Error: handler.Errorf(handler.NotFound, "gone")}}
	slices.SortStableFunc(rows, soonest)
	var order []string
	for _, r := range rows {
		order = append(order, r.InstanceID)
	}
	if got := strings.Join(order, " "); got != "r-gone r-cccc r-bbbb r-aaaa r-off1" {
		t.Errorf("the order is %s", got)
	}
}

func TestStateThatAlibabaSeesTo(t *testing.T) {
	at := handler.At(now.Add(3 * day))
	row := on("r-abcd", 9*day, func(s *status) {
		s.why, s.DeferredUntil, s.ScheduledTime = s.Reason, at, at
		s.Reason += ", but Alibaba itself renews it 2026-11-27T12:00:00Z"
	})
	early := on("r-abce", 90*day, func(s *status) { s.ScheduledTime = handler.At(now.Add(60 * day)) })
	v := fleetPage{Generated: now, Rows: []status{row, early}}.view()
	if got := v.Entries[1]; got.State != scheduled || got.Why != "scheduled by Alibaba for 2027-01-23 12:00" {
		t.Errorf("one that is not due is %s: %s", got.State.Word(), got.Why)
	}
	if got := v.Sections[0].Lines[0]; got.State != scheduled || got.Text != "scheduled by Alibaba for 2026-11-27 12:00; certificate expires in 9d, within 30d" {
		t.Errorf("it is %s: %s", got.State.Word(), got.Text)
	}
}

func TestEmptyFleetSaysWhatToDo(t *testing.T) {
	page := render(t, fleetPage{Generated: now, Regions: []string{"cn-hangzhou"}})
	for _, want := range []string{"No Tair instance was found in cn-hangzhou", "--region", "TAIRSSL_REGION", "kvstore:DescribeInstances", "--emulate", "2026-11-24 12:00"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of an empty fleet does not speak of %s", want)
		}
	}
	off := render(t, fleetPage{Generated: now, Rows: []status{{InstanceID: "r-abcd", RegionID: "cn-beijing", SSLEnabled: "Disable"}}})
	if !strings.Contains(off, "tairssl enable INSTANCE") || !strings.Contains(off, "in cn-beijing") {
		t.Error("the page of a fleet without encryption does not say how to switch it on, or where the fleet is")
	}
}

func TestQuietFleetSaysWhenToLookAgain(t *testing.T) {
	v := fleetPage{Generated: now, Rows: []status{on("r-abcd", 400*day), on("r-abce", 90*day)}}.view()
	if got := strings.Join(v.Headline, " "); got != "Nothing is due. The next certificate expires 2027-02-22, 90d left." {
		t.Errorf("the headline is %s", got)
	}
	if v.Due != "30d" || len(v.Sections) != 0 {
		t.Errorf("due means %s, and there are %d sections", v.Due, len(v.Sections))
	}
}

func TestPageIsWrittenWholeOrNotAtAll(t *testing.T) {
	full := errors.New("no space left on device")
	if err := writePage(writerFunc(func([]byte) (int, error) { return 0, full }), smallFleet()); !errors.Is(err, full) {
		t.Errorf("a full disk is reported as %v", err)
	}
	writes := 0
	if err := writePage(writerFunc(func(b []byte) (int, error) { writes++; return len(b), nil }), smallFleet()); err != nil || writes != 1 {
		t.Errorf("the page came in %d pieces, %v", writes, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestColoursCanBeRead holds both schemes to WCAG 2: 4.5:1 for text on each
// ground that it stands on.
func TestColoursCanBeRead(t *testing.T) {
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(pageHTML, -1)
	if len(schemes) != 2 {
		t.Fatalf("there are %d schemes, want light and dark", len(schemes))
	}
	for n, scheme := range schemes {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]+);`).FindAllStringSubmatch(scheme[1], -1) {
			colors[m[1]] = m[2]
		}
		inks := []string{"text", "soft", "link"}
		for _, s := range states {
			inks = append(inks, s.class)
		}
		for _, ink := range inks {
			for _, ground := range []string{"page", "sheet", "window"} {
				if ratio := contrast(t, colors[ink], colors[ground]); ratio < 4.5 {
					t.Errorf("scheme %d: %s on %s has a contrast of %.2f, want 4.5 at least", n, ink, ground, ratio)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of WCAG 2.
func luminance(t *testing.T, hex string) float64 {
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	rgb, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatalf("%q is not a colour", hex)
	}
	part := func(shift int) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
