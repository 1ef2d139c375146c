package notify

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

var (
	expiry = must(handler.ParseTime("2026-12-01T00:00:00Z"))
	now    = expiry.Add(-12 * day)
	both   = On{handler.Verified, handler.Accepted}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// noteOf is a note about an automatic renewal. The certificate expires at expiry.
func noteOf(o handler.Outcome, change ...func(*Note)) Note {
	n := Note{Automatic: true, Result: handler.Result{
		InstanceID: "r-bp1zxszhcgatnx01", RegionID: "cn-hangzhou", SSLEnabled: handler.Update, Outcome: o, Reason: "because of " + string(o),
		Before: &handler.State{SSLEnabled: "Enable", SSLExpiredTime: expiry},
	}}
	if o == handler.Failed {
		failedBy(handler.Forbidden)(&n)
	}
	for _, f := range change {
		f(&n)
	}
	return n
}

func failedBy(k handler.Kind) func(*Note) {
	return func(n *Note) { n.Error = handler.Errorf(k, "because of %s", k); n.Reason = n.Error.Message }
}
func byHandOf(n *Note) { n.Automatic = false }
func alerting(n *Note) { n.Alert = true }
func busy(n *Note)     { n.Busy = true }
func unseen(n *Note)   { n.Before = nil }
func enabling(n *Note) { n.SSLEnabled = handler.Enable }

var (
	sameCA  = handler.CAChange{Before: "a", After: "a", Says: "CA unchanged"}
	otherCA = handler.CAChange{Before: "a", After: "b", Changed: true, Says: "CA changed: clients that trust only the old one cannot connect"}
	takenCA = handler.CAChange{Before: "a", After: "b", Changed: true, Accepted: true, Says: "CA changed"}
	noCA    = handler.CAChange{Before: "a", Says: "CA not compared: it cannot be read"}
)

// withCA adds a comparison of the CA to a note, and to its reason.
func withCA(ca handler.CAChange) func(*Note) {
	return func(n *Note) { n.CA = &ca; n.Reason += "; " + ca.Words() }
}

// The next step depends on the comparison of the CA and on the TLS handshake.
func TestAnAlertSaysWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		note Note
		next string
	}{
		"no window in time":                     {noteOf(handler.Deferred, alerting), byHand},
		"the region waits for a CA":             {noteOf(handler.Deferred, alerting, func(n *Note) { n.Held = "the CA changed" }), giveCA},
		"another CA":                            {noteOf(handler.Verified, alerting, withCA(otherCA)), giveCA},
		"another CA, not proven by a handshake": {noteOf(handler.Accepted, alerting, withCA(otherCA)), giveCA},
		"the old certificate is served":         {noteOf(handler.Accepted, alerting), lookTLS},
		"the old certificate, with the old CA":  {noteOf(handler.Accepted, alerting, withCA(sameCA)), lookTLS},
		"an unknown CA":                         {noteOf(handler.Verified, alerting, withCA(noCA)), compareCA},
		"done, with the same CA":                {noteOf(handler.Verified, renewed, withCA(sameCA)), ""},
		"done, with an accepted new CA":         {noteOf(handler.Verified, renewed, withCA(takenCA)), ""},
		"done, with an unknown CA":              {noteOf(handler.Verified, renewed, withCA(noCA)), fetch},
		"done":                                  {noteOf(handler.Verified, renewed), fetch},
		"accepted, with an unknown CA":          {noteOf(handler.Accepted, withCA(noCA)), fetch},
	} {
		d := digestOf(test.note)
		if len(d.lines) != 1 || d.lines[0].next.text != test.next {
			t.Errorf("%s: the next step is %q, want %q", name, d.lines[0].next.text, test.next)
		}
	}
}

// d14 is the tag after a notice 12 days before the expiry.
func d14(marks ...string) string {
	return "2026-12-01T00:00:00Z/2026-11-19T00:00Z/" + strings.Join(append([]string{"d14"}, marks...), ",")
}

// noticeCases lists notes, each with the notice that is sent.
var noticeCases = map[string]struct {
	note Note
	on   On
	told string
	left time.Duration // default 12 days
	text string        // "" if no notice is sent
	tag  string        // the value of the tag after that
}{
	"a failure":                                             {note: noteOf(handler.Failed), text: "renewal failed (forbidden): because of forbidden", tag: d14("forb")},
	"a failure again":                                       {note: noteOf(handler.Failed), told: d14("forb")},
	"a failure of another kind":                             {note: noteOf(handler.Failed, failedBy(handler.Locked)), told: d14("forb"), text: "renewal failed (locked)", tag: d14("forb", "lock")},
	"a failure without an error":                            {note: noteOf(handler.Failed, func(n *Note) { n.Error = nil }), text: "renewal failed (internal)", tag: d14("inte")},
	"a failure of a kind that is not known yet":             {note: noteOf(handler.Failed, func(n *Note) { n.Error.Kind = "new" }), text: "renewal failed (internal)", tag: d14("inte")},
	"a failure while a person watched":                      {note: noteOf(handler.Failed, byHandOf), text: "renewal failed (forbidden)", tag: d14("forb")},
	"a failure before the instance was read":                {note: noteOf(handler.Failed, unseen), text: "renewal failed (forbidden)"},
	"a failure to enable":                                   {note: noteOf(handler.Failed, enabling), text: "enabling encryption failed (forbidden)"},
	"a failure after a new certificate":                     {note: noteOf(handler.Failed), told: "2025-12-01T00:00:00Z/2025-11-19T00:00Z/d0,forb", text: "renewal failed", tag: d14("forb")},
	"an unknown outcome":                                    {note: noteOf(handler.Unknown), text: "renewal may or may not have happened", tag: d14("unknown")},
	"a refusal":                                             {note: noteOf(handler.Refused), text: "renewal refused: because of refused", tag: d14("refused")},
	"a refusal while a person watched":                      {note: noteOf(handler.Refused, byHandOf)},
	"a deferral":                                            {note: noteOf(handler.Deferred), text: "renewal deferred: because of deferred", tag: d14("deferred")},
	"a deferral again":                                      {note: noteOf(handler.Deferred), told: d14("deferred")},
	"a deferral beyond the expiry":                          {note: noteOf(handler.Deferred, alerting), told: d14("deferred"), text: "renewal needs attention", tag: d14("deferred", "alert")},
	"an alert about an unchanged instance":                  {note: noteOf(handler.Unchanged, alerting), text: "renewal needs attention", tag: d14("alert")},
	"a success":                                             {note: noteOf(handler.Verified), on: both, text: "renewal done, the instance was restarted. The certificate", tag: d14("done")},
	"a success after the notice of another process":         {note: noteOf(handler.Verified), on: both, told: d14("done")},
	"a success that needs attention, after earlier notices": {note: noteOf(handler.Verified, alerting, withCA(otherCA)), told: d14("alert"), text: "renewal changed the CA. CA changed: clients that trust only the old one cannot connect (SHA-256 before a, now b). The certificate", tag: d14("alert", "done")},
	"an acceptance that a handshake contradicts":            {note: noteOf(handler.Accepted, alerting), text: "renewal needs attention: because of accepted", tag: d14("done")},
	"an acceptance whose CA changed":                        {note: noteOf(handler.Accepted, alerting, withCA(otherCA)), text: "renewal changed the CA: because of accepted. CA changed", tag: d14("done")},
	"a success with the same CA":                            {note: noteOf(handler.Verified, withCA(sameCA)), on: both, text: "renewal done, the instance was restarted. CA unchanged (SHA-256 a). The certificate", tag: d14("done")},
	"a success whose CA is not known":                       {note: noteOf(handler.Verified, alerting, withCA(noCA)), on: both, text: "renewal needs attention. CA not compared: it cannot be read. The certificate", tag: d14("done")},
	"a success that On does not list":                       {note: noteOf(handler.Verified)},
	"an acceptance":                                         {note: noteOf(handler.Accepted), on: both, text: "renewal accepted, the instance restarts", tag: d14("done")},
	"an acceptance while On lists only verified":            {note: noteOf(handler.Accepted), on: On{handler.Verified}},
	"an unchanged result":                                   {note: noteOf(handler.Unchanged), on: both},
	"a plan":                                                {note: noteOf(handler.Planned), on: both},
	"a change under way":                                    {note: noteOf(handler.InProgress), on: both, left: day},
	"a first reminder":                                      {note: noteOf(handler.InProgress, busy), text: "renewal has not happened yet", tag: d14()},
	"a reminder that was sent before":                       {note: noteOf(handler.InProgress, busy), told: d14()},
	"no reminder while a person watches":                    {note: noteOf(handler.InProgress, busy, byHandOf)},
	"no reminder 31 days ahead":                             {note: noteOf(handler.InProgress, busy), left: 31 * day},
	"the next reminder of a deferred change":                {note: noteOf(handler.Deferred), told: d14("deferred"), left: 7 * day, text: "renewal has not happened yet: because of deferred", tag: "2026-12-01T00:00:00Z/2026-11-24T00:00Z/d7,deferred"},
	"the last reminder of a refused change":                 {note: noteOf(handler.Refused), told: d14("refused"), left: -time.Hour, text: "The certificate expired 2026-12-01 00:00 UTC, 60m ago", tag: "2026-12-01T00:00:00Z/2026-12-01T01:00Z/d0,refused"},
	"no reminder of an unchanged result":                    {note: noteOf(handler.Unchanged), told: d14(), left: day},
	"a failure after a day, far ahead":                      {note: noteOf(handler.Failed), told: d14("forb"), left: 10 * day},
	"a failure after a day, in the last week":               {note: noteOf(handler.Failed), told: "2026-12-01T00:00:00Z/2026-11-25T00:00Z/d7,forb", left: 5 * day, text: "renewal failed (forbidden)", tag: "2026-12-01T00:00:00Z/2026-11-26T00:00Z/d7,forb"},
	"a failure after 23 hours":                              {note: noteOf(handler.Failed), told: "2026-12-01T00:00:00Z/2026-11-25T01:00Z/d7,forb", left: 5 * day},
	"an unknown outcome after a day":                        {note: noteOf(handler.Unknown), told: "2026-12-01T00:00:00Z/2026-11-25T00:00Z/d7,unknown", left: 5 * day, text: "may or may not", tag: "2026-12-01T00:00:00Z/2026-11-26T00:00Z/d7,unknown"},
	"a refusal after a day":                                 {note: noteOf(handler.Refused), told: "2026-12-01T00:00:00Z/2026-11-25T00:00Z/d7,refused", left: 5 * day},
	"a tag that a stranger wrote":                           {note: noteOf(handler.Deferred), told: "yes/we/can", text: "renewal deferred", tag: d14("deferred")},
}

func TestWhichNoticesAreSent(t *testing.T) {
	for name, test := range noticeCases {
		t.Run(name, func(t *testing.T) {
			at := now
			if test.left != 0 {
				at = expiry.Add(-test.left)
			}
			l, after, ok := message(test.note, test.on, parseTold(test.told), at)
			if ok != (test.text != "") || ok && !strings.Contains(l.text(mostWhy), test.text) {
				t.Fatalf("the notice is sent: %v, with the text %q, want %q", ok, l.text(mostWhy), test.text)
			}
			if got := after.String(); ok && got != test.tag {
				t.Errorf("the tag is %q, want %q", got, test.tag)
			}
		})
	}
}

func TestOn(t *testing.T) {
	for setting, want := range map[string]On{"verified, accepted,verified": both, "none": nil, "": nil, "accepted": {handler.Accepted}} {
		var o On
		if err := o.UnmarshalText([]byte(setting)); err != nil || !slices.Equal(o, want) {
			t.Errorf("%q is taken for %v, %v", setting, o, err)
		}
	}
	var o On
	err := o.UnmarshalText([]byte("failed,unchanged,none,done"))
	for _, fault := range []string{"notices of failed are always sent", "notices of unchanged are never sent", "none must be the only word", `"done" is not one of`} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("the error does not say %s, but %v", fault, err)
		}
	}
}

// kinds reads the kinds from the source of handler, so that a new kind without words here
// fails the test.
func kinds(t *testing.T) (all []handler.Kind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../handler/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Kind" {
			all = append(all, handler.Kind(must(strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value))))
		}
		return true
	})
	if len(all) < 9 {
		t.Fatalf("handler has only %d kinds", len(all))
	}
	return all
}

func TestEveryClassAndKindHasItsWords(t *testing.T) {
	if len(handler.Kinds()) != len(kinds(t)) {
		t.Errorf("%d kinds have a next step, there are %d", len(handler.Kinds()), len(kinds(t)))
	}
	for _, k := range kinds(t) {
		if !slices.Contains(handler.Kinds(), k) || k.NextStep() == "" {
			t.Errorf("there is no next step for a failed change of the kind %s", k)
		}
	}
	for c, words := range classes {
		if words.word == "" || strings.Count(words.what, "%s") != 1 || words.next == "" && class(c) != failed {
			t.Errorf("class %d has the words %q", c, words)
		}
	}
}

// If Alibaba will restart an instance, an update by hand would cause a second restart.
func TestNoUpdateIsSuggestedIfAlibabaRestartsTheInstance(t *testing.T) {
	scheduled := func(n *Note) { n.Scheduled = handler.At(now.Add(day)) }
	reminded := told{expires: expiry, marks: []string{"deferred", "alert"}}
	for name, test := range map[string]struct {
		note Note
		told told
		want string
	}{
		"no window opens":                {noteOf(handler.Deferred, alerting), told{}, "tairssl update"},
		"no window opens, a reminder":    {noteOf(handler.Deferred, alerting), reminded, "tairssl update"},
		"outside the window":             {noteOf(handler.Deferred, alerting, scheduled), told{}, "Alibaba's console"},
		"outside the window, a reminder": {noteOf(handler.Deferred, alerting, scheduled), reminded, "Alibaba's console"},
		"Alibaba renews it":              {noteOf(handler.Deferred, scheduled), told{}, "Nothing to do"},
		"Alibaba renews it, a reminder":  {noteOf(handler.Deferred, scheduled), reminded, "Nothing to do"},
	} {
		l, _, ok := message(test.note, both, test.told, now)
		if !ok || !strings.Contains(l.next.text, test.want) || test.want != "tairssl update" && strings.Contains(l.next.text, "tairssl update") {
			t.Errorf("%s: the next step is %q, want %q", name, l.next.text, test.want)
		}
	}
}

func TestAllMarksFitIntoATag(t *testing.T) {
	all := told{expires: expiry, at: now, stage: 1} // the mark d30 is the longest
	seen := map[string]bool{}
	for _, o := range []string{"unknown", "alert", "refused", "deferred", "done", offMark} {
		all = all.with(o, 0, now)
	}
	for _, k := range kinds(t) {
		if mark := kindMark(k); seen[mark] || all.has(mark) {
			t.Errorf("the mark %s stands for two things", mark)
		} else if seen[mark] = true; !isMark(mark) {
			t.Errorf("the mark %s is not known", mark)
		}
		all = all.with(kindMark(k), 0, now)
	}
	if s := all.String(); len(s) > 128 {
		t.Errorf("a tag's value takes 128 characters, all marks are %d: %s", len(s), s)
	}
	if got := parseTold(all.String()); got.String() != all.String() {
		t.Errorf("%s is read back as %s", all, got)
	}
}

// anyNote draws a note that a sweep may make about one certificate.
func anyNote(kinds []handler.Kind) *rapid.Generator[Note] {
	return rapid.Custom(func(t *rapid.T) Note {
		n := noteOf(rapid.SampledFrom([]handler.Outcome{handler.Verified, handler.Accepted, handler.Unchanged, handler.Planned, handler.Deferred, handler.InProgress, handler.Refused, handler.Unknown, handler.Failed}).Draw(t, "outcome"))
		if n.Outcome == handler.Failed {
			failedBy(rapid.SampledFrom(kinds).Draw(t, "kind"))(&n)
		}
		n.Automatic, n.Alert, n.Busy = rapid.Bool().Draw(t, "automatic"), rapid.Bool().Draw(t, "alert"), rapid.Bool().Draw(t, "busy")
		return n
	})
}

func TestNoNoticeIsSentTwice(t *testing.T) {
	all := kinds(t)
	handlertest.Check(t, func(t *rapid.T) {
		tag, at := "", expiry.Add(-40*day)
		last := map[string]time.Time{}
		lastStage, lastTold := 0, at
		for i := range rapid.IntRange(1, 60).Draw(t, "notes") {
			at = at.Add(time.Duration(rapid.IntRange(0, 48*60).Draw(t, "minutes")) * time.Minute)
			n := anyNote(all).Draw(t, "note")
			before := parseTold(tag)
			_, after, ok := message(n, both, before, at)
			if !ok {
				continue
			}
			mark, c := markOf(n, both)
			now := stage(expiry.Sub(at))
			when, again := last[mark]
			reminds := now > lastStage
			nags := (c == failed || c == lost) && n.Automatic && expiry.Sub(at) <= 7*day && at.Truncate(time.Minute).Sub(lastTold.Truncate(time.Minute)) >= day
			if again && mark != "" && !reminds && !nags {
				t.Fatalf("note %d: %s was sent at %s and again at %s, with the tag %s", i, mark, when, at, tag)
			}
			if mark == "" && !reminds {
				t.Fatalf("note %d: the reminder at %s is sent again, with the tag %s", i, at, tag)
			}
			last[mark], lastStage, lastTold = at, max(lastStage, now), at
			if tag = after.String(); len(tag) > 128 || tag == "" {
				t.Fatalf("the tag is %q", tag)
			}
			if _, _, twice := message(n, both, parseTold(tag), at); twice {
				t.Fatalf("note %d is sent twice at the same time, with the tag %s", i, tag)
			}
		}
	})
}

func TestAnyTagCanBeRead(t *testing.T) {
	handlertest.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`2026-12-01T00:00:00Z/2026-11-24T10:40Z/(d[0-9]{1,2},|forb,|deferred,|x,){0,20}`)).Draw(t, "value")
		told := parseTold(value)
		if s := told.String(); len(s) > 128 || parseTold(s).String() != s {
			t.Fatalf("%q is read as %q", value, s)
		}
	})
}

func ExampleOn() {
	var o On
	fmt.Println(o.UnmarshalText([]byte("verified,failed")))
	// Output: notices of failed are always sent: remove the word
}
