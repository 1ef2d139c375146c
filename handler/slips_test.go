package handler_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// slip is a small fault in the code: a text that occurs exactly once in a file, and its
// wrong replacement.
type slip struct{ name, file, old, new string }

// slips has a fault of each kind that once went unnoticed or that would do the most harm.
// With each of these faults, the tests of the folder have to fail. The proof of the
// protocol does not run then, because it looks for other faults (see breaking).
var slips = map[string][]slip{
	".": {
		// Deciding.
		{"an instance that is broken counts as running", "observation.go", `case "Inactive", "Released", "Error":`, `case "Inactive", "Released":`},
		{"a certificate without an expiry is decided on", "decide.go", "case o.Enabled && o.Expires.IsZero():", "case false:"},
		{"the expiry of a request binds only when it is later", "decide.go", "!d.SSLExpiredTime.Equal(At(o.Expires).Time)", "d.SSLExpiredTime.Before(At(o.Expires).Time)"},
		{"Enable ignores SSLModifying", "decide.go", "if o.Enabled && !changing {", "if o.Enabled {"},
		{"Disable ignores SSLModifying", "decide.go", "if !o.Enabled && !changing {", "if !o.Enabled {"},
		{"the off tag does not bind weak senders", "decide.go", "case d.Unattended() && o.Off():", "case d.Automatic && o.Off():"},
		{"the off tag does not bind automatic requests", "decide.go", "case d.Unattended() && o.Off():", "case d.Unattended() && !d.Automatic && o.Off():"},
		{"only Changing is busy", "decide.go", "case o.Status != statusNormal:", `case o.Status == "Changing":`},
		{"a flag of another action counts as the same", "decide.go", "return inProgress(f.action != d.SSLEnabled,", "return inProgress(false,"},
		{"an order is carried out again once its flag is spent", "decide.go", "case f.spent(o):\n", "case false:\n"},
		{"an order is carried out again while its flag is live", "decide.go", "case f.live(now):", "case false:"},
		{"a window that opens too late is told only after the expiry", "rule.go", "last := o.Expires.Add(-MissedBefore)\n\tthawed := p.Freezes", "last := o.Expires\n\tthawed := p.Freezes"},
		{"what may not miss its window acts in any case", "rule.go", "if missed && p.MissedActs &&", "if p.MissedActs &&"},
		{"due to the second is not due", "policy.go", "case left <= within:", "case left < within:"},
		{"expired this second is not expired", "policy.go", "case left <= 0:", "case left < 0:"},
		{"a weak sender widens RenewBefore", "policy.go", "!(d.Trust == Weak && time.Duration(*d.RenewBefore) > within)", "true"},
		{"a weak sender forces", "policy.go", "d.Trust == Weak && (d.SSLEnabled != Update || d.Force)", "d.Trust == Weak && d.SSLEnabled != Update"},
		{"an automatic request forces", "policy.go", "case d.Automatic && d.Force:", "case false:"},
		{"a weak sender cures a wrong name", "policy.go", "!d.Automatic && d.Trust > Weak && !d.SSLExpiredTime.IsZero()", "!d.Automatic && !d.SSLExpiredTime.IsZero()"},
		{"a wrong name is cured without its expiry", "policy.go", "d.Trust > Weak && !d.SSLExpiredTime.IsZero():", "d.Trust > Weak:"},
		{"a bad exclusion lets everybody in", "policy.go", "if ok, err := path.Match(exclude, id); ok || err != nil {", "if ok, _ := path.Match(exclude, id); ok {"},
		{"Disable over HTTP needs no expiry", "policy.go", "d.SSLEnabled == Disable && d.Trust < Trusted", "d.SSLEnabled == Disable && d.Trust < Weak"},
		{"another region is allowed", "locate.go", `if region == "" || slices.Contains(h.Regions, region) {`, "if true {"},
		{"the region that the API names is not looked at", "attempt.go", "if d := a.inRegion(region); !d.act {", "if d := a.inRegion(region); false {"},
		{"a region that was not listed counts as without the instance", "locate.go", "if e := all.unread[region]; e != nil {", "if e := all.unread[region]; false {"},

		// Alibaba's own renewal.
		{"a schedule that cannot be read is none", "renewal.go", "case err != nil && d.act:", "case false:"},
		{"a renewal that is overdue is counted on", "renewal.go", "&& late < MissedBefore", ""},
		{"a renewal after the expiry is counted on", "renewal.go", "|| !r.At.Before(o.Expires) ||", "||"},
		{"a renewal that did not come by the expiry is counted on", "renewal.go", "|| !now.Before(o.Expires) {", "{"},
		{"a renewal that was done moments ago is not counted on", "renewal.go", "late >= 0 && late < flagLife", "false && late < flagLife"},
		{"a renewal that has begun is moved", "place.go", "case r.Status == RenewalRunning || !r.begins().After(now):", "case false:"},
		{"a renewal is moved past its deadline", "place.go", "last = sooner(last, r.Deadline)", "last = later(last, r.Deadline)"},
		{"a renewal is moved to the last day", "place.go", "last := o.Expires.Add(-MissedBefore)", "last := o.Expires"},
		{"nobody is told of a restart outside the window", "place.go", "held.alert, held.exposed = true, true", "held.exposed = true"},
		{"what is gone behind the pause is changed instead", "move.go", "if d.act && d.to.IsZero() {", "if false {"},
		{"a move is believed without being read back", "move.go", "case seen.At.Equal(m.to):", "case true:"},

		// Members of a global instance.
		{"a member that is SSLModifying holds nobody back", "global.go", "if l.Status == statusSSLModifying {", "if false {"},
		{"what is remembered of a member holds nobody back", "global.go", "append(flagsOf(l.Tags), a.memory.of(l.InstanceID)...)", "flagsOf(l.Tags)"},
		{"a member's tag holds nobody back", "global.go", "append(flagsOf(l.Tags), a.memory.of(l.InstanceID)...)", "a.memory.of(l.InstanceID)"},
		{"the members of a batch pass each other", "global.go", `a.locks.lock(ctx, "global "+a.before.GlobalID)`, "func() {}, error(nil)"},
		{"members are not looked at behind the pause", "lease.go", "true, len(members) > 0, false", "true, len(members) < 0, false"},
		{"time runs out in silence", "global.go", "if !opens || held.until.After(last) {", "if !opens {"},

		// Flags.
		{"a flag of the future holds for ever", "flag.go", "now.Sub(f.time.Time).Abs() < f.life()", "now.Sub(f.time.Time) < f.life()"},
		{"a flag holds after the certificate moved", "flag.go", "return f.live(now) && !f.spent(o)", "return f.live(now)"},
		{"a flag lives for 5 minutes", "flag.go", "flagLife = 45 * time.Minute", "flagLife = 5 * time.Minute"},
		{"the flag of an older version does not hold", "flag.go", "oldLife = 15 * time.Minute", "oldLife = 0 * time.Minute"},
		{"the write may be signed 50 minutes later", "flag.go", "signWithin = 5 * time.Minute", "signWithin = 50 * time.Minute"},
		{"the write may be signed five minutes after the last look", "attempt.go", "a.flag.time.Add(signWithin)", "a.now.present.Add(signWithin + time.Hour)"},
		{"a tag that cannot be read counts as a flag", "flag.go", "case err1 != nil || err2 != nil || at.IsZero():", "case err1 != nil && err2 != nil:"},
		{"no pause", "lease.go", "if err := a.Sleep(ctx, a.LeasePause); err != nil {", "if err := ctx.Err(); err != nil {"},
		{"a flag that does not show is good enough", "lease.go", "if l.Tags[a.flag.key] != a.flag.value() {", "if false {"},
		{"a lower key does not go first", "lease.go", "case !first:", "case false:"},
		{"a higher key is not waited for", "lease.go", "case !waits:", "case !waits || first:"},
		{"others are waited for without end", "lease.go", "case first && pauses < maxPauses:", "case first:"},
		{"the flags of this process are not remembered", "lease.go", "a.raised = true\n\ta.memory.add(a.ref.InstanceID, a.flag, a.before.present)\n", "a.raised = true\n"},
		{"the flags of this process are not looked at", "lease.go", "range a.memory.of(a.ref.InstanceID) {", "range a.memory.of(\"\") {"},
		{"without tags nothing is remembered", "attempt.go", "\t\ta.memory.add(a.ref.InstanceID, a.flag, a.before.present)\n", ""},
		{"a flag that lost is remembered", "lease.go", "\ta.memory.remove(a.ref.InstanceID, a.flag)\n\tif a.LeaseNone {", "\tif a.LeaseNone {"},
		{"a flag that was refused is remembered", "lease.go", "\t\ta.memory.remove(a.ref.InstanceID, a.flag)\n\t}\n\treturn a.tagFailure(e)", "\t}\n\treturn a.tagFailure(e)"},
		{"the memory forgets what is live", "flag.go", "return !f.live(now) }); len(flags) == 0 {", "return f.live(now) }); len(flags) == 0 {"},
		{"a flag that lost stays", "lease.go", "if !a.raised || a.stays {", "if true {"},
		{"a flag goes though a write may have been sent", "lease.go", "if !a.raised || a.stays {", "if !a.raised {"},
		{"taking a flag back dies with the invocation", "lease.go", "context.WithDeadline(context.WithoutCancel(ctx), until)", "context.WithDeadline(ctx, until)"},
		{"taking a flag back may take for ever", "lease.go", "until := time.Now().Add(maxLowerTime)", "until := time.Now().Add(1000 * maxLowerTime)"},
		{"no time is kept to take a flag back", "attempt.go", "Margin{max(min(lowerTime, a.MinLeft/2), a.pace.slowest()), 1}", "Margin{0, 1}"},
		{"a tagging that may have taken effect is left", "lease.go", "if !e.Uncertain && e.Kind != Internal {", "if true {"},
		{"a right that is missing lets the change go on", "lease.go", "return a.tagFailure(e)", "return proceed(a.reason)"},
		{"the notice is kept where a flag needs its room", "lease.go", "remove = append(remove, ToldTag)", "_ = ToldTag"},

		// Looks.
		{"a slow look is not repeated", "look.go", "if took <= longestLook {", "if true {"},
		{"ages are those at the end of a look", "look.go", "answer.Add(-time.Since(began).Truncate(time.Second))", "answer.Add(0 * time.Since(began))"},
		{"an answer without a time is good enough", "look.go", "if l.Instance.At.IsZero() || errSSL == nil && l.SSL.At.IsZero() {", "if false {"},
		{"an encryption that cannot be read is off", "look.go", "case errSSL != nil:\n\t\treturn l, errSSL", "case errSSL != nil:\n\t\treturn l, nil"},
		{"the second decision is not pinned to the certificate", "attempt.go", "before.Enabled != now.Enabled || !At(before.Expires).Equal(At(now.Expires).Time)", "before.Enabled && !before.Enabled && now.Enabled"},
		{"there is no second decision", "attempt.go", "inTurn(ctx, a.raise, a.lookAgain, a.judgeAgain)", "inTurn(ctx, a.raise, a.lookAgain)"},
		{"no lock in the process", "locks.go", "\tcase <-k.free:\n", "\tcase <-func() chan struct{} { c := make(chan struct{}, 1); c <- struct{}{}; return c }():\n\t\tselect {\n\t\tcase <-k.free:\n\t\tdefault:\n\t\t}\n"},
		{"who gives up its turn lets another in", "locks.go", "k.users == 0 {", "k.users >= 0 {"},

		// Time.
		{"the pause is not reckoned with", "attempt.go", "return a.LeasePause + 2*a.pace.slowest()", "return 2 * a.pace.slowest()"},
		{"slow calls are not reckoned with", "attempt.go", "return a.LeasePause + 2*a.pace.slowest()", "return a.LeasePause"},
		{"the time is not checked before the flag", "attempt.go", "if !a.timeFor(ctx, a.timeToAcquire()) {", "if false {"},
		{"the time is not checked before the write", "attempt.go", "if !a.timeFor(ctx, 0) {", "if false {"},
		{"the answer has no time", "margin.go", "deadline.Add(-min(m.Time, time.Until(deadline)/time.Duration(m.Part)))", "deadline"},

		// The write, and what follows it.
		{"an internal error of a write counts as refused", "attempt.go", "if e.Uncertain || e.Kind == Internal && a.wrote {", "if e.Uncertain {"},
		{"an uncertain write counts as refused", "attempt.go", "if e.Uncertain || e.Kind == Internal && a.wrote {", "if e.Kind == Internal && a.wrote {"},
		{"a flag stays after a refusal", "attempt.go", "\ta.stays = false\n", ""},
		{"a panic in the write is told as a failure", "handler.go", "\t\t\t\td.outcome = Unknown\n", ""},
		{"a change is verified while it is modifying", "verify.go", "case reached && now.Status == statusNormal:", "case reached:"},
		{"any certificate verifies an Update", "verify.go", "reached = now.Enabled && now.Expires.After(before.Expires)", "reached = now.Enabled"},
		{"an unknown write is not looked at", "verify.go", "if wait <= 0 && d.outcome == Accepted {", "if wait <= 0 {"},
		{"unavailable is not tried again", "outcome.go", "{Unavailable, codes{http.StatusServiceUnavailable, 5}, true", "{Unavailable, codes{http.StatusServiceUnavailable, 5}, false"},
		{"busy with something else is not delivered again", "redeliver.go", "case r.Outcome == Unknown, r.Outcome == InProgress && r.Busy:", "case r.Outcome == Unknown:"},
		{"what a sweep lacks the time for is told as decided", "handler.go", "|| a.Swept && LacksTime(ctx, result)", ""},

		// Windows.
		{"open a minute late", "weekly.go", "return start - since", "return start - since + time.Minute"},
		{"open in the second it closes", "weekly.go", "case since >= end:", "case since > end:"},
		{"a window may not last 24 hours", "window.go", "end > dayMinutes:\n\t\treturn Window{}", "end >= dayMinutes:\n\t\treturn Window{}"},
		{"an own window of no length counts", "window.go", "start == end || start >= dayMinutes", "start >= dayMinutes"},
		{"a change of the clocks is not reckoned with", "weekly.go", "!change.IsZero() && change.After(t) && !change.After(then)", "false && change.After(t)"},
		{"the zone Local is taken", "window.go", `if err != nil || name == "Local" {`, "if err != nil {"},
		{"no window crosses midnight", "window.go", "\t\tend += dayMinutes\n", "\t\tend = dayMinutes\n"},

		// Freezes and approvals.
		{"a freeze ends with the beginning of its last day", "freeze.go", "\t\tto = to.AddDate(0, 0, 1)\n", ""},
		{"a freeze ends when the clock first shows it", "freeze.go", "to: showingLast(to, zone)", "to: showing(to, zone)"},
		{"freezes that leave no time are taken", "freeze.go", "if all.Ends(last).Equal(forever) {", "if false {"},
		{"a freeze does not hold", "rule.go", "case thawed.After(now):", "case false:"},
		{"a window within a freeze counts", "opening.go", "if t = o.freezes.Ends(opens); !t.Equal(opens) {", "if t = opens; false {"},
		{"nothing is renewed in front of a freeze", "rule.go", "\td.from = sooner(d.from, earlier)\n", "\t_ = earlier\n"},
		{"a window that does not open counts as a freeze", "rule.go", "if freeze.After(last) {", "if false {"},
		{"WINDOW_MISSED lifts a freeze", "rule.go", "at, opens = thawed, true", "return proceed(reason)"},
		{"no approval is asked for", "rule.go", "case p.unapproved(o):", "case false:"},
		{"any approval will do", "rule.go", "!approvalOf(o.Tags).of(o) }", "approvalOf(o.Tags).Expires.IsZero() }"},

		// Proofs of a change.
		{"any certificate that is served proves a change", "served.go", "At(c.Expires).Sub(At(o.Expires).Time).Abs() > time.Second", "false"},
		{"the expiry that is served may not be rounded", "served.go", ".Abs() > time.Second", ".Abs() > 0"},
		{"a certificate for any name proves a change", "served.go", "return isFor(name, o.ConnectionDomain) }", "return name != o.ConnectionDomain || true }"},
		{"a handshake that cannot be made proves a change", "served.go", "\tif err != nil {\n\t\treturn doubt{", "\tif err != nil && false {\n\t\treturn doubt{"},
		{"a contradiction alerts nobody", "served.go", "alert: d.contradicts", "alert: false"},
		{"a CA that is accepted stops", "chain.go", "c.Changed && !c.Accepted }", "c.Changed }"},
		{"a CA that changed is not marked", "chain.go", "\t\t\ta.markCA(ctx, o)\n", ""},
		{"a CA that cannot be read lets automatic changes go on", "chain.go", "if !now.Before(expires.Add(-MissedBefore)) {", "if true {"},
		{"a CA that cannot be read lets a certificate expire", "chain.go", "if !now.Before(expires.Add(-MissedBefore)) {", "if false {"},
		{"a mark holds nobody up", "attempt.go", "d = a.heldByCA(ctx, d)", "_ = a.heldByCA"},
		{"a mark holds people up", "attempt.go", "if a.Unattended() {\n\t\td = a.heldBy", "if true {\n\t\td = a.heldBy"},
		{"any mark is accepted", "chainmark.go", "there && !slices.Contains(a.CAAccept, mark) {", "there && len(a.CAAccept) == 0 {"},
		{"the mark takes the last tag", "chainmark.go", "&& all-flags < MaxTags-1 }", "&& all-flags < MaxTags }"},
	},
	"fleet": {
		{"an order exceeds MaxTargets", "sweep.go", "most = min(most, *order.MaxTargets)", "most = *order.MaxTargets"},
		{"one too many", "act.go", "for inTime && changed < s.most && len(left) > 0 {", "for inTime && changed <= s.most && len(left) > 0 {"},
		{"more are made ready than are left", "act.go", "s.ready(ctx, left, s.most-changed)", "s.ready(ctx, left, s.most)"},
		{"a canary that cannot be verified stops nothing", "act.go", `case c.unverified != "":`, "case false:"},
		{"a CA that changed stops no sweep", "act.go", "case s.newCA != nil:", "case false:"},
		{"a CA that was not compared stops no sweep", "act.go", "|| !result.CA.Compared()) {", ") {"},
		{"a region that waits is looked at one by one", "act.go", "left = s.putOffHeld(left, region, why)", "_, _ = region, why"},
		{"a canary is not watched for a minute", "act.go", "max(s.Wait, canaryWait)", "max(s.Wait, 1)"},
		{"the time is not checked before the canary", "act.go", "&& !c.changed && s.TimeToChange(ctx) {", "&& !c.changed {"},
		{"the time is not checked before the others", "act.go", "(changed == 0 || !s.TimeToChange(ctx))", "changed == 0"},
		{"all go on where no canary could be tried", "act.go", "(changed == 0 || !s.TimeToChange(ctx))", "!s.TimeToChange(ctx)"},
		{"a doubled listing counts twice", "act.go", "\ts.seen -= doubled\n", ""},
		{"a doubled listing is due twice", "act.go", "\ts.due -= doubled\n", ""},
		{"a sweep is not pinned", "order.go", "SSLExpiredTime: expires, Automatic: true,", "Automatic: true,"},
		{"a sweep is not automatic", "order.go", "SSLExpiredTime: expires, Automatic: true,", "SSLExpiredTime: expires,"},
		{"the heap is unbounded", "judge.go", "if s.urgent.Len() > s.most+maxTried {", "if false {"},
		{"the heap keeps the least urgent", "urgent.go", "return byExpiry(h[i], h[j]) > 0", "return byExpiry(h[i], h[j]) < 0"},
		{"what was too many to be kept is not counted", "act.go", "if rest := s.due - s.settled; rest > 0 {", "if rest := s.due - s.settled; rest > 1000000 {"},
		{"the earliest expiry counts what is excluded", "judge.go", "if !changes && s.Policy.Covers(l.InstanceID) {", "if !changes {"},
		{"the earliest expiry counts what is renewed", "sweep.go", "\t\tif !renewed {\n", "\t\tif !renewed || renewed {\n"},
		{"a page is unbounded", "plan.go", "n < 1 || n > maxPage ||", "n < 1 ||"},
		{"a plan names what is excluded", "judge.go", "return s.Policy.Covers(r.InstanceID)", "return true"},
		{"a plan of a dry run is carried out", "plan.go", "expires, true, s.order.DryRun}", "expires, true, false}"},
		{"a dry run removes flags", "judge.go", "if s.order.DryRun || s.order.Plan ||", "if s.order.Plan ||"},
		{"flags are removed where nothing may be changed", "judge.go", " || !s.Policy.Covers(l.InstanceID) {\n\t\treturn", " {\n\t\treturn"},
		{"what is broken and not due fails a sweep", "judge.go", "l.Gone() && !result.Due {", "false && !result.Due {"},
		{"another region may be swept", "fleet.go", "\t\tif err := f.Allows(region); err != nil {\n", "\t\tif err := f.Allows(region); false {\n"},
		{"reading leaves no time to act", "sweep.go", "Time: 2 * max(s.Wait, canaryWait)", "Time: 0"},
		{"a page that cannot be listed is not told", "reader.go", "case of.err != nil && of.pages > 0:", "case false:"},
	},
	"../adapters/webhook": {
		{"an empty header is taken", "scheme.go", `len(values) != 1 || values[0] == "" ||`, "len(values) != 1 ||"},
		{"a long header is taken", "scheme.go", "|| len(values[0]) > 4<<10 {", "{"},
		{"a doubled header is taken", "scheme.go", "if len(values) != 1 ||", "if len(values) == 0 ||"},
		{"times of the future are taken", "scheme.go", "off.Abs() > Window", "off > Window"},
		{"old times are taken", "scheme.go", "off.Abs() > Window", "-off > Window"},
		{"an empty secret counts", "scheme.go", `if secret != "" && fits(secret) {`, "if fits(secret) {"},
		{"the id is not signed", "standard.go", `MAC(sha256.New, key, id, ".", at, ".", string(m.Body))` + "\n", `MAC(sha256.New, key, "msg_1", ".", at, ".", string(m.Body)); _ = id` + "\n"},
		{"v1a counts as v1", "standard.go", `encoded, isV1 := strings.CutPrefix(signature, "v1,")`, `encoded, isV1 := strings.CutPrefix(strings.Replace(signature, "v1a,", "v1,", 1), "v1,")`},
		{"any version counts", "standard.go", "ok = ok || isV1 && err == nil", "_, after, cut := strings.Cut(signature, \",\"); if cut && !isV1 { got, err = base64.StdEncoding.DecodeString(after) }; ok = ok || err == nil"},
		{"sha256= is not needed", "github.go", "if !ok || err != nil {", "if _ = ok; err != nil {"},
		{"two times are taken", "grafana.go", "} else if m.Header.Values(grafanaTimes[1]) != nil {", "} else if errors.New(\"\") == nil {"},
		{"the time is not signed", "grafana.go", "grafanaSign(secret, at, m.Body)", "grafanaSign(secret, at[:0], m.Body)"},
		{"a token in the wrong header counts", "credential.go", `if !strings.EqualFold(name, scheme) || credential == "" {`, `if _ = name; credential == "" {`},
	},
	"../adapters/chatops": {
		{"a challenge with an empty token is taken", "feishuproof.go", `event.Type != "url_verification" || token == "" ||`, `event.Type != "url_verification" ||`},
		{"an unsigned event with the token is taken", "feishuproof.go", `if event.Type != "url_verification" || token == ""`, `if token == ""`},
		{"the token of a signed event is not checked", "feishuproof.go", `if err == nil && token != "" && !webhook.Same(`, `if err == nil && false && !webhook.Same(`},
		{"any padding is taken", "cbc.go", "if int(b) != n {", "if int(b) > 255 {"},
	},
}

// Each slip changes exactly one place of the code as it is now. make mutants tries them.
func TestEverySlipHasItsPlace(t *testing.T) {
	for folder, all := range slips {
		for _, s := range all {
			text, err := os.ReadFile(filepath.Join(folder, s.file))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), s.old); n != 1 {
				t.Errorf("%q: %s contains %q %d times, want once", s.name, filepath.Join(folder, s.file), s.old, n)
			}
		}
	}
}
