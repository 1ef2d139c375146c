package chatops_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/adapters/chatops"
	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

const id = "r-bp1zxszhcgatnx01"

func TestCommandsAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"":                                    "help",
		"help":                                "help",
		"Status":                              "status",
		" status  " + id + "\u3000tt-abcd12 ": "status " + id + " tt-abcd12",
		"Update " + id:                        "update " + id,
		"update\u00a0" + id + " —dry-run":     "update " + id + " dry-run",
		"update " + id + " –dry–run":          "update " + id + " dry-run",
		"update “" + id + "” region=cn-shanghai": "update " + id + " @cn-shanghai",
		"<@U123> update " + id:                   "update " + id,
		"<at>tair</at> update " + id:             "update " + id,
		"@bot enable `" + id + "`":               "enable " + id,
		"confirm k7q2-9m4x-tpdw-6hac":            "confirm k7q29m4xtpdw6hac",
		"Confirm K7Q2 9M4X TPDW 6HAC.":           "confirm K7Q29M4XTPDW6HAC",
		"confirm K7Q29M4XTPDW6HAC":               "confirm K7Q29M4XTPDW6HAC",
		"K7Q2-9M4X-TPDW-6HAC":                    "confirm K7Q29M4XTPDW6HAC",
		"确认Ｋ７Ｑ２－９Ｍ４Ｘ－ＴＰＤＷ－６ＨＡＣ。":                 "confirm K7Q29M4XTPDW6HAC",
		"update r-x (cn-hangzhou)\nTo go on, send within 5 minutes:\nconfirm K7Q2-9M4X-TPDW-6HAC": "confirm K7Q29M4XTPDW6HAC",
	} {
		c, err := chatops.Parse(typed)
		got := strings.TrimSpace(c.Verb + " " + strings.Join(c.Instances, " "))
		if c.DryRun {
			got += " dry-run"
		}
		if c.Region != "" {
			got += " @" + c.Region
		}
		if c.Code != "" {
			got += " " + c.Code
		}
		if err != nil || got != want {
			t.Errorf("%q is read as %q, %v; want %q", typed, got, err, want)
		}
	}
}

func TestWordsThatAreNotUnderstood(t *testing.T) {
	for typed, want := range map[string]string{
		"udpate " + id:                              "Did you mean update?",
		"staus":                                     "Did you mean status?",
		"update " + id + " dryrun":                  "Did you mean dry-run?",
		"update " + id + " --region cn-x":           "Did you mean region=cn-hangzhou?",
		"status --all":                              "Did you mean status?",
		"status " + id + " dry-run":                 "tatus changes nothing",
		"update " + id + " region=cn-a region=cn-b": "two regions",
		"update":                           "needs an instance",
		"update a1 a2 a3 a4 a5 a6":         "The limit is 5",
		"update " + id + " region=Nowhere": "not a region",
		"confirm":                          "needs the code",
		"confirm a b":                      "needs the code",
		"confirm update.r-x.cn.1.2.3":      "needs the code",
		"rm -rf /":                         "do not know the word",
		strings.Repeat("a", 600):           "too long",
		"\xff":                             "not text",
	} {
		if _, err := chatops.Parse(typed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q is answered %v, want %q", typed, err, want)
		}
	}
}

func TestRules(t *testing.T) {
	for _, bad := range []string{"", ";", "slack:T1/U1 status", "slack:T1 status *", "irc:T1/U1 status *", "slack:T1/U1 reboot *", "slack:T1/U1 status r-[", "slack:/U1 status *", "slack:T1/ status *", "slack:T1/U1 status * more"} {
		var r chatops.Rules
		if r.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("the rule %q is taken", bad)
		}
	}
	for _, bad := range []string{
		"slack:T1/U1 * *, dingtalk:T1/U1 * *", "slack:T1/U1 * *,dingtalk:T1/U1 * *", "slack:T1/U1 * *\ndingtalk:T1/U1 * *", "slack:T1/U1, slack:T1/U2 * *",
		"slack:T1/U1,slack:T1/U2 * *", "slack:T1/U1 *,teams:T1/U1 * *", "slack:T1/U1 status, update *", "slack:T1/U1 * r-bp1*,slack:T1/U2",
	} {
		var r chatops.Rules
		if err := r.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "separate rules by a semicolon") || !strings.Contains(err.Error(), "slack:T123/U456 status,update r-bp1*; feishu:tenant1/oc_42 status *") {
			t.Errorf("the rules %q are answered %v, which does not name the separator and show right ones", bad, err)
		}
	}
	var r chatops.Rules
	if err := r.UnmarshalText([]byte("slack:T123/U456 status,update r-bp1*; dingtalk:ding1/staff9 * *; feishu:tenant1/oc_42 status *;")); err != nil || len(r) != 3 {
		t.Fatalf("the rules are %v, %v", r, err)
	}
}

// cloud is an API of instances whose certificates are due.
type cloud struct {
	mu       sync.Mutex
	ssl      map[string]handler.SSL
	tags     map[string]map[string]string
	restarts int
	now      time.Time
	// Of a fleet: where an instance is if not in the default region, what is wrong
	// with an instance or a region, how long a look takes, and which were made.
	domains   map[string]string
	names     map[string]string
	elsewhere map[string]string
	faults    map[string]error
	takes     time.Duration
	looked    []string
	deaf      chan struct{} // if set, a look ends when it is closed, whatever its context says
	asked     chan struct{} // told when such a look begins
}

func newCloud(ids ...string) *cloud {
	c := &cloud{ssl: map[string]handler.SSL{}, tags: map[string]map[string]string{}, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	for _, id := range ids {
		c.ssl[id], c.tags[id] = handler.SSL{Enabled: true, Expires: c.now.AddDate(0, 0, 12)}, map[string]string{}
	}
	return c
}

func (c *cloud) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *cloud) Instance(_ context.Context, ref handler.Ref) (handler.Instance, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.ssl[ref.InstanceID]; !ok {
		return handler.Instance{}, handler.Errorf(handler.NotFound, "no instance %s", ref.InstanceID)
	}
	return handler.Instance{Status: "Normal", Name: c.names[ref.InstanceID], ConnectionDomain: c.domains[ref.InstanceID], Tags: maps.Clone(c.tags[ref.InstanceID]), At: c.now}, nil
}

func (c *cloud) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	if c.deaf != nil {
		c.asked <- struct{}{}
		<-c.deaf
	}
	if c.takes > 0 {
		select {
		case <-ctx.Done():
			return handler.SSL{}, handler.AsError(ctx.Err())
		case <-time.After(c.takes):
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = append(c.looked, ref.InstanceID)
	if fault := c.faults[ref.InstanceID]; fault != nil {
		return handler.SSL{}, fault
	}
	ssl := c.ssl[ref.InstanceID]
	ssl.At = c.now
	return ssl, nil
}

func (c *cloud) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return handler.Listing{}, handler.AsError(ctx.Err())
	}
	if fault := c.faults[region]; fault != nil {
		return handler.Listing{}, fault
	}
	var list []handler.Listed
	for _, id := range slices.Sorted(maps.Keys(c.ssl)) {
		if cmp.Or(c.elsewhere[id], handler.DefaultRegion) == region && (filter.IDs == nil || slices.Contains(filter.IDs, id)) {
			if filter.Search != "" && !strings.Contains(id, filter.Search) && !strings.Contains(c.names[id], filter.Search) {
				continue
			}
			list = append(list, handler.Listed{Ref: handler.Ref{RegionID: region, InstanceID: id}, Instance: handler.Instance{Status: "Normal", Name: c.names[id], ConnectionDomain: c.domains[id]}})
		}
	}
	from := min((page-1)*handler.PageSize, len(list))
	return handler.Listing{Instances: list[from:min(from+handler.PageSize, len(list))], Total: len(list), At: c.now}, nil
}

func (c *cloud) Schedule(context.Context, handler.Ref) ([]handler.Renewal, error) { return nil, nil }

func (c *cloud) Move(context.Context, handler.Renewal, time.Time, time.Time) error {
	return errors.New("there is nothing to move")
}

// Modify shows no change yet, as the real API does for minutes.
func (c *cloud) Modify(context.Context, handler.Ref, handler.Action, time.Time) (handler.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts++
	return handler.Receipt{RequestID: "AD7E16AA"}, nil
}

func (c *cloud) Tag(_ context.Context, ref handler.Ref, key, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tags[ref.InstanceID][key] = value
	return nil
}

func (c *cloud) Untag(_ context.Context, ref handler.Ref, keys ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.tags[ref.InstanceID], key)
	}
	return nil
}

func (c *cloud) bot(rules string, change ...func(*chatops.Options)) *chatops.Bot {
	o := chatops.Options{Key: []byte("a key of confirmation codes"), Region: handler.DefaultRegion, Now: c.Now, Hand: take}
	if rules != "" {
		if err := o.Allow.UnmarshalText([]byte(rules)); err != nil {
			panic(err)
		}
	}
	for _, f := range change {
		f(&o)
	}
	h := handler.New(c, handler.Options{Now: c.Now, Regions: []string{handler.DefaultRegion, "cn-shanghai"}, LeasePause: 20 * time.Millisecond, Policy: handler.Policy{Actions: []handler.Action{handler.Update, handler.Disable}}})
	return chatops.New(fleet.New(h, c, 0), o)
}

func (c *cloud) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

type handedKey struct{}

// take puts what is handed over where the context says.
func take(ctx context.Context, payload []byte) error {
	if to, ok := ctx.Value(handedKey{}).(*[]byte); ok {
		*to = payload
	}
	return nil
}

// shortly is too short an invocation to watch a change in.
func shortly(t context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t, 14*time.Second)
}

// say gives the last answer to a text: of what is handed over, the end.
func say(b *chatops.Bot, m chatops.Message, text string) (answer, code string) {
	m.Text = text
	var payload []byte
	r := b.Say(context.WithValue(context.Background(), handedKey{}, &payload), m)
	if payload != nil {
		handed, err := b.Open(payload)
		if err != nil {
			panic(err)
		}
		ctx, cancel := shortly(context.Background())
		defer cancel()
		r = b.Finish(ctx, handed)
	}
	return strings.Join(r.Lines, "\n"), r.Code
}

var anna = chatops.Message{Platform: "slack", Tenant: "T1", User: "U1", Channel: "C1", Trust: handler.Signed}

func TestWhoMayDoWhat(t *testing.T) {
	c := newCloud(id, "r-other1234")
	for name, test := range map[string]struct {
		rules, text string
		who         chatops.Message
		allowed     bool
	}{
		"her instance":           {"slack:T1/U1 status,update r-bp1*", "status " + id, anna, true},
		"another instance":       {"slack:T1/U1 status,update r-bp1*", "status r-other1234", anna, false},
		"another verb":           {"slack:T1/U1 status,update r-bp1*", "disable " + id, anna, false},
		"her channel":            {"slack:T1/C1 status *", "status " + id, anna, true},
		"another channel":        {"slack:T1/C2 status *", "status " + id, anna, false},
		"another tenant":         {"slack:T2/U1 * *", "status " + id, anna, false},
		"another platform":       {"teams:T1/U1 * *", "status " + id, anna, false},
		"no rule":                {"", "status " + id, anna, false},
		"nobody known":           {"slack:*/* * *", "status " + id, chatops.Message{Platform: "slack", Tenant: "T1"}, false},
		"an id with a slash":     {"dingtalk:T1/cid* * *", "status " + id, chatops.Message{Platform: "dingtalk", Tenant: "T1", User: "U1", Channel: "cidA/b=="}, true},
		"a plan that is refused": {"slack:T1/U1 status *", "update " + id, anna, false},
	} {
		answer, code := say(c.bot(test.rules), test.who, test.text)
		refused := strings.Contains(answer, "may not") || strings.Contains(answer, "may do nothing")
		if refused == test.allowed || code != "" {
			t.Errorf("%s: answered %q", name, answer)
		}
	}
	if answer, _ := say(c.bot("slack:T1/U1 status *"), anna, "help"); !strings.Contains(answer, "status") || strings.Contains(answer, "update") {
		t.Errorf("help shows %q", answer)
	}
}

// Who is refused may be anybody who says to be "*": the rule that is offered to
// be copied must not allow everybody, nor be a link.
func TestARuleIsOfferedOnlyForIDsThatMeanThemselves(t *testing.T) {
	c := newCloud(id)
	for user, offered := range map[string]bool{"U1": true, "29:1a-b_c": true, "*": false, "U?": false, "[a-z]": false, "U1,U2": false, "U1 * *;": false, "<b>": false, strings.Repeat("U", 60000): false} {
		answer, _ := say(c.bot(""), chatops.Message{Platform: "teams", Tenant: "T1", User: user}, "status "+id)
		if got := strings.Contains(answer, "teams:T1/"+user); got != offered || len(answer) > 500 || !strings.Contains(answer, "TAIRSSL_CHAT_ALLOW") {
			t.Errorf("%.20q is answered %.500q", user, answer)
		}
	}
}

func TestAuditLinesAreBounded(t *testing.T) {
	var log bytes.Buffer
	c := newCloud(id)
	b := c.bot("", func(o *chatops.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	long := strings.Repeat("x", 60000)
	say(b, chatops.Message{Platform: "dingtalk", Tenant: long, User: long, Channel: long}, "status")
	if log.Len() == 0 || log.Len() > 2000 {
		t.Errorf("ids of 60000 characters leave %d bytes of log", log.Len())
	}
}

// An API that gives no answer in time: the audit line says nevertheless who
// asked for what, and the answer whether anything can have changed.
func TestOutOfTimeIsAuditedAndToldApart(t *testing.T) {
	var log bytes.Buffer
	c := newCloud(id)
	b := c.bot("slack:T1/U1 * *", func(o *chatops.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	_, code := say(b, anna, "update "+id)
	c.deaf, c.asked = make(chan struct{}), make(chan struct{})
	defer close(c.deaf)
	for text, want := range map[string][]string{
		"confirm " + code: {"do not know whether the change was made", `"verb":"confirm update","instance":"","region":"","outcome":"unknown","reason":"out of time"`},
		"update " + id:    {"Nothing was changed", `"verb":"update","instance":"` + id + `","region":"","outcome":"failed","reason":"out of time"`},
		"status " + id:    {"Nothing was changed", `"verb":"status","instance":"` + id + `","region":"","outcome":"failed","reason":"out of time"`},
	} {
		log.Reset()
		m := anna
		m.Text = text
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-c.asked; cancel() }()
		answer := strings.Join(b.Say(ctx, m).Lines, "\n")
		if strings.HasPrefix(text, "confirm") { // which was but handed over
			log.Reset()
			m.Received = c.Now()
			answer = strings.Join(b.Finish(ctx, m).Lines, "\n")
		}
		if !strings.Contains(answer, want[0]) || !strings.Contains(log.String(), want[1]) {
			t.Errorf("%.20s: answered %q, and the log has\n%s", text, answer, log.String())
		}
	}
}

func TestCodesHoldForWhoAskedWhereAndWhat(t *testing.T) {
	c := newCloud(id, "r-other1234")
	rules := "slack:T1/U1,U2 * *; teams:T1/U1 * *"
	_, code := say(c.bot(rules), anna, "update "+id)
	if !regexp.MustCompile(`^([2-9AC-HJKMNP-RT-Y]{4}-){3}[2-9AC-HJKMNP-RT-Y]{4}$`).MatchString(code) {
		t.Fatalf("the code is %q", code)
	}
	with := func(f func(*chatops.Message)) chatops.Message { m := anna; f(&m); return m }
	altered := func(at int, with byte) string {
		b := []byte(code)
		if b[at] == with {
			with = '2' + '3' - with // one of the two
		}
		b[at] = with
		return string(b)
	}
	for name, test := range map[string]struct {
		who  chatops.Message
		code string
	}{
		"somebody else":       {with(func(m *chatops.Message) { m.User = "U2" }), code},
		"elsewhere":           {with(func(m *chatops.Message) { m.Channel = "C2" }), code},
		"another tenant":      {with(func(m *chatops.Message) { m.Tenant = "T2" }), code},
		"another platform":    {with(func(m *chatops.Message) { m.Platform = "teams" }), code},
		"the first altered":   {anna, altered(0, '2')},
		"the last altered":    {anna, altered(18, '2')},
		"two of them changed": {anna, code[:17] + code[18:] + code[17:18]},
		"cut":                 {anna, code[:len(code)-1]},
		"longer":              {anna, code + "2"},
		"nothing in it":       {anna, "."},
	} {
		if test.code == code && test.who == anna {
			continue // two characters that were the same
		}
		if answer, _ := say(c.bot(rules), test.who, "confirm "+test.code); c.restarts != 0 {
			t.Errorf("%s: answered %q after %d restarts", name, answer, c.restarts)
		}
	}
	if answer, _ := say(c.bot(rules, func(o *chatops.Options) { o.Key = []byte("another key") }), anna, "confirm "+code); c.restarts != 0 {
		t.Errorf("by another key: answered %q", answer)
	}
	if answer, _ := say(c.bot(rules, func(o *chatops.Options) { o.Key = nil }), anna, "confirm "+code); c.restarts != 0 || !strings.Contains(answer, "CONFIRM_KEY") {
		t.Errorf("without a key: answered %q", answer)
	}
	if answer, _ := say(c.bot("slack:T1/U1 status *"), anna, "confirm "+code); c.restarts != 0 {
		t.Errorf("once the right is gone: answered %q", answer)
	}
	c.advance(6 * time.Minute)
	if answer, _ := say(c.bot(rules), anna, "confirm "+code); c.restarts != 0 || !strings.Contains(answer, "too old") {
		t.Errorf("after 6 minutes: answered %q", answer)
	}
}

// The same code at once in processes that know nothing of each other.
func TestACodeUsedTwiceChangesNothingTheSecondTime(t *testing.T) {
	c := newCloud(id)
	bots := []*chatops.Bot{c.bot("slack:T1/U1 * *"), c.bot("slack:T1/U1 * *")}
	_, code := say(bots[0], anna, "update "+id)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() { say(bots[n%2], anna, "confirm "+code) })
	}
	group.Wait()
	if c.restarts != 1 {
		t.Fatalf("used 8 times at once the code restarted the instance %d times", c.restarts)
	}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "confirm "+code); c.restarts != 1 {
		t.Errorf("in a third process it is answered %q after %d restarts", answer, c.restarts)
	}
	// The change has come true: the certificate has moved on.
	c.ssl[id] = handler.SSL{Enabled: true, Expires: c.now.AddDate(3, 0, 0)}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "confirm "+code); c.restarts != 1 || !strings.Contains(answer, "the certificate has changed since") {
		t.Errorf("afterwards it is answered %q after %d restarts", answer, c.restarts)
	}
}

func TestASecondPersonConfirms(t *testing.T) {
	c := newCloud(id)
	b := c.bot("slack:T1/U1,U2 * *", func(o *chatops.Options) { o.Second = true })
	plan, code := say(b, anna, "update "+id)
	if !strings.Contains(plan, "Another person") {
		t.Errorf("the plan is %q", plan)
	}
	if answer, _ := say(b, anna, "confirm "+code); c.restarts != 0 || !strings.Contains(answer, "nother person") {
		t.Errorf("her own is answered %q", answer)
	}
	bob := anna
	bob.User = "U2"
	if answer, _ := say(b, bob, "confirm "+code); c.restarts != 1 {
		t.Errorf("his is answered %q", answer)
	}
}

// Who sees one message of a weak platform can write the next in anybody's name.
func TestWhereTwoHaveToAgreeAWeakPlatformOnlyShows(t *testing.T) {
	for _, platform := range []string{"dingtalk", "teams", "mattermost"} {
		c := newCloud(id)
		m := anna
		m.Platform, m.Trust = platform, handler.Weak
		rule := platform + ":T1/U1,U2 * *"
		two := c.bot(rule, func(o *chatops.Options) { o.Second = true })
		for text, want := range map[string]string{"update " + id: "TAIRSSL_CONFIRM_BY=second", "更新 " + id: "TAIRSSL_CONFIRM_BY=second", "update " + id + " dry-run": "dry run", "status " + id: "2026-12-06"} {
			if answer, code := say(two, m, text); code != "" || !strings.Contains(answer, want) {
				t.Errorf("%s: %s is answered %q with code %q, want %q", platform, text, answer, code, want)
			}
		}
		// The code was given before the setting was made.
		_, code := say(c.bot(rule), m, "update "+id)
		other := m
		other.User = "U2"
		for _, who := range []chatops.Message{m, other} {
			if answer, _ := say(two, who, "confirm "+code); c.restarts != 0 {
				t.Errorf("%s: %s confirms, is answered %q, and the instance restarts", platform, who.User, answer)
			}
		}
	}
}

func TestPlansThatNeedNoCode(t *testing.T) {
	c := newCloud(id, "r-fresh12345", "r-off1234567")
	c.ssl["r-fresh12345"] = handler.SSL{Enabled: true, Expires: c.now.AddDate(1, 0, 0)}
	c.ssl["r-off1234567"] = handler.SSL{}
	for text, want := range map[string]string{
		"update r-fresh12345":       "not within 30d",
		"update r-off1234567":       "ncryption is off",
		"update r-gonegone":         "o instance r-gonegone",
		"update " + id + " dry-run": "dry run",
		"enable " + id:              "TAIRSSL_ACTIONS",
	} {
		if answer, code := say(c.bot("slack:T1/U1 * *"), anna, text); code != "" || !strings.Contains(answer, want) {
			t.Errorf("%s is answered %q with code %q", text, answer, code)
		}
	}
	if answer, code := say(c.bot("slack:T1/U1 * *", func(o *chatops.Options) { o.Key = nil }), anna, "update "+id); code != "" || !strings.Contains(answer, "TAIRSSL_CONFIRM_KEY") {
		t.Errorf("without a key it is answered %q", answer)
	}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "status"); !strings.HasPrefix(answer, id+": valid until 2026-12-06 (in 12d), Normal, renewal due") {
		t.Errorf("status is answered %q", answer)
	}
}

// A certificate that is far from its end is updated for its wrong name: who
// decides on a restart has to know.
func TestAPlanSaysWhy(t *testing.T) {
	c := newCloud(id, "r-renamed1234")
	c.ssl["r-renamed1234"] = handler.SSL{Enabled: true, Expires: c.now.AddDate(2, 0, 0), CommonName: "old.redis.rds.aliyuncs.com"}
	c.domains = map[string]string{"r-renamed1234": "new.redis.rds.aliyuncs.com"}
	for instance, want := range map[string]string{"r-renamed1234": "old.redis.rds.aliyuncs.com is not that of the endpoint new.redis.rds.aliyuncs.com", id: "Why: Certificate expires in 12d, within 30d"} {
		if answer, code := say(c.bot("slack:T1/U1 * *"), anna, "update "+instance); code == "" || !strings.Contains(answer, want) {
			t.Errorf("the plan for %s does not say %q: %q", instance, want, answer)
		}
	}
}

// No change of a code, and nobody but its asker, gets anything done.
func TestForgedCodes(t *testing.T) {
	c := newCloud(id)
	_, code := say(c.bot("slack:T1/* * *"), anna, "update "+id)
	same := strings.NewReplacer("B", "8", "S", "5", "Z", "2")
	handlertest.Check(t, func(t *rapid.T) {
		forged := []byte(code)
		forged[rapid.IntRange(0, len(forged)-1).Draw(t, "at")] = rapid.SampledFrom([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")).Draw(t, "byte")
		if strings.ReplaceAll(same.Replace(string(forged)), "-", "") == strings.ReplaceAll(code, "-", "") {
			return
		}
		if answer, _ := say(c.bot("slack:T1/* * *"), anna, "confirm "+string(forged)); c.restarts != 0 {
			t.Fatalf("%s is answered %q", forged, answer)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("update " + id + " —dry-run region=cn-hangzhou")
	f.Add("<at>x</at> confirm a.b")
	f.Add("确认 k7q2-9m4x-tpdw-6hac")
	f.Add("状态 <http://r-bp1.redis.rds.aliyuncs.com|x>，orders-cache。")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := chatops.Parse(text)
		if err != nil {
			if len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "<>*`") {
				t.Fatalf("%q is answered %q", text, err)
			}
			return
		}
		if c.Verb == "" || c.Code != "" && len(c.Code) != 16 || len(c.Instances) > 20 {
			t.Fatalf("%q is read as %+v", text, c)
		}
	})
}

// Whatever somebody types as a code, nothing changes and nothing breaks.
func FuzzConfirm(f *testing.F) {
	c := newCloud(id)
	b := c.bot("slack:T1/U1 * *")
	_, code := say(b, anna, "update "+id)
	f.Add(code + "x")
	f.Add("update." + id + ".cn-hangzhou.0.0.0.0")
	f.Add("")
	f.Fuzz(func(t *testing.T, typed string) {
		if typed == code {
			t.Skip("it is the code")
		}
		if answer, _ := say(b, anna, "confirm "+typed); answer == "" || c.restarts != 0 {
			t.Errorf("confirm %q is answered %q after %d restarts", typed, answer, c.restarts)
		}
	})
}
