package chatops_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/adapters/chatops"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

func TestACodeIsValidForOnePersonPlaceAndPlan(t *testing.T) {
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
			with = '2' + '3' - with // the other of 2 and 3
		}
		b[at] = with
		return string(b)
	}
	for name, test := range map[string]struct {
		who  chatops.Message
		code string
	}{
		"another person":              {with(func(m *chatops.Message) { m.User = "U2" }), code},
		"another channel":             {with(func(m *chatops.Message) { m.Channel = "C2" }), code},
		"another tenant":              {with(func(m *chatops.Message) { m.Tenant = "T2" }), code},
		"another platform":            {with(func(m *chatops.Message) { m.Platform = "teams" }), code},
		"the first character altered": {anna, altered(0, '2')},
		"the last character altered":  {anna, altered(18, '2')},
		"two characters exchanged":    {anna, code[:17] + code[18:] + code[17:18]},
		"cut":                         {anna, code[:len(code)-1]},
		"longer":                      {anna, code + "2"},
		"no code":                     {anna, "."},
	} {
		if test.code == code && test.who == anna {
			continue // the two exchanged characters are equal
		}
		if answer, _ := say(c.bot(rules), test.who, "confirm "+test.code); c.restarts != 0 {
			t.Errorf("%s: the answer is %q after %d restarts", name, answer, c.restarts)
		}
	}
	if answer, _ := say(c.bot(rules, func(o *chatops.Options) { o.Key = []byte("another key") }), anna, "confirm "+code); c.restarts != 0 {
		t.Errorf("the answer with another key is %q", answer)
	}
	if answer, _ := say(c.bot(rules, func(o *chatops.Options) { o.Key = nil }), anna, "confirm "+code); c.restarts != 0 || !strings.Contains(answer, "CONFIRM_KEY") {
		t.Errorf("the answer without a key is %q", answer)
	}
	if answer, _ := say(c.bot("slack:T1/U1 status *"), anna, "confirm "+code); c.restarts != 0 {
		t.Errorf("the answer without the right is %q", answer)
	}
	c.advance(6 * time.Minute)
	if answer, _ := say(c.bot(rules), anna, "confirm "+code); c.restarts != 0 || !strings.Contains(answer, "too old") {
		t.Errorf("the answer after 6 minutes is %q", answer)
	}
}

// Two processes without a common memory get the same code at the same time.
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
		t.Fatalf("8 uses at the same time restarted the instance %d times", c.restarts)
	}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "confirm "+code); c.restarts != 1 {
		t.Errorf("the answer of a third process is %q after %d restarts", answer, c.restarts)
	}
	// Now the API shows the new certificate.
	c.ssl[id] = handler.SSL{Enabled: true, Expires: c.now.AddDate(3, 0, 0)}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "confirm "+code); c.restarts != 1 || !strings.Contains(answer, "the certificate has changed since") {
		t.Errorf("the answer after the change is %q after %d restarts", answer, c.restarts)
	}
}

// A message that is only a code has no language. A valid code contains the language of its
// plan, so every process knows it. An invalid code is answered in both languages.
func TestACodeAloneIsAnsweredInTheLanguageOfItsPlan(t *testing.T) {
	chinese := func(answer string) bool {
		return strings.ContainsFunc(answer, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
	}
	for asked, inChinese := range map[string]bool{"update " + id: false, "更新 " + id: true} {
		c := newCloud(id)
		_, code := say(c.bot("slack:T1/U1 * *"), anna, asked)
		bare := strings.ToLower(strings.ReplaceAll(code, "-", ""))
		for typed, want := range map[string]bool{code: inChinese, bare: inChinese, "confirm " + bare: false, "确认 " + bare: true} {
			c.restarts, c.tags[id] = 0, map[string]string{}
			if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, typed); chinese(answer) != want || c.restarts != 1 {
				t.Errorf("after %q %q is answered %q after %d restarts", asked, typed, answer, c.restarts)
			}
		}
		c.advance(6 * 60e9)
		if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, bare); chinese(answer) != inChinese {
			t.Errorf("after %q, the answer to the old code is %q", asked, answer)
		}
	}
	b := newCloud(id).bot("slack:T1/U1 * *")
	for range 6 { // the sixth answer announces the pause
		if answer, _ := say(b, anna, "k7q29m4xtpdw6hac"); !chinese(answer) || !strings.Contains(strings.ToLower(answer), "ask for the change again") {
			t.Errorf("an invalid code is answered %q", answer)
		}
	}
}

func TestSeveralChangesHaveACodeEach(t *testing.T) {
	c := newCloud(id, "r-bp1zxszhcgatnx02")
	b := c.bot("slack:T1/U1 * *")
	answer, button := say(b, anna, "update "+id+", r-bp1zxszhcgatnx02")
	codes := codeIn.FindAllStringSubmatch(answer, -1)
	if len(codes) != 2 || button != "" || codes[0][1] == codes[1][1] {
		t.Fatalf("the answer is %q", answer)
	}
	for i, code := range codes {
		if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, code[1]); c.restarts != i+1 {
			t.Errorf("the code alone is answered %q after %d restarts", answer, c.restarts)
		}
	}
}

// People type a code in many forms, and the process that reads it may never have seen the
// plan.
func TestACodeMayBeTypedInManyForms(t *testing.T) {
	c := newCloud(id, "r-other1234", "r-bp2aaaaaaaa")
	plan, code := say(c.bot("slack:T1/U1 * *"), anna, "update "+id)
	bare := strings.ReplaceAll(code, "-", "")
	for _, typed := range []string{"confirm " + strings.ToLower(bare), strings.ToLower(code), "确认" + code, "Confirm: `" + code + "`.", plan, "please confirm\n" + strings.ReplaceAll(code, "-", " "), "confirm " + strings.NewReplacer("8", "B", "5", "S", "2", "Z").Replace(code)} {
		c.restarts, c.tags[id] = 0, map[string]string{}
		before := len(c.looked)
		if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, typed); c.restarts != 1 {
			t.Errorf("%q is answered %q after %d restarts", typed, answer, c.restarts)
		}
		for _, looked := range c.looked[before:] {
			if looked != id {
				t.Errorf("the certificate of %s is read for the code of another instance", looked)
			}
		}
	}
}

func TestACodeWorksInAnotherProcessButNotForAnotherPerson(t *testing.T) {
	handlertest.Check(t, func(t *rapid.T) {
		name := "r-" + rapid.StringMatching(`[a-z0-9]{4,30}`).Draw(t, "id")
		c := newCloud(name, "r-other1234")
		c.pause = time.Millisecond // only one process writes
		c.advance(seconds(rapid.IntRange(0, 1<<22).Draw(t, "at")))
		rules := "slack:*/* * *"
		who := chatops.Message{Platform: "slack", Tenant: rapid.StringMatching(`T[0-9]{0,3}`).Draw(t, "tenant"), User: rapid.StringMatching(`U[0-9]{1,3}`).Draw(t, "user"), Channel: rapid.StringMatching(`C?[0-9]{0,3}`).Draw(t, "channel"), Trust: handler.Signed}
		c.ssl[name] = handler.SSL{Enabled: true, Expires: c.now.AddDate(0, 0, 12)}
		answer, code := say(c.bot(rules), who, "update "+name)
		if code == "" {
			t.Fatalf("the plan is %q", answer)
		}
		other := who
		switch rapid.IntRange(0, 2).Draw(t, "what") {
		case 0:
			other.User += "0"
		case 1:
			other.Channel += "0"
		case 2:
			other.Tenant += "0"
		}
		if answer, _ := say(c.bot(rules), other, "confirm "+code); c.restarts != 0 {
			t.Fatalf("the answer to another person is %q", answer)
		}
		c.advance(seconds(rapid.IntRange(0, 5*60).Draw(t, "later")))
		if answer, _ := say(c.bot(rules), who, "confirm "+code); c.restarts != 1 {
			t.Fatalf("the answer to the person who asked is %q after %d restarts", answer, c.restarts)
		}
	})
}

func TestACodeForAnotherCertificateDoesNothing(t *testing.T) {
	c := newCloud(id)
	_, code := say(c.bot("slack:T1/U1 * *"), anna, "update "+id)
	c.ssl[id] = handler.SSL{Enabled: true, Expires: c.now.AddDate(0, 0, 13)}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "confirm "+code); c.restarts != 0 || !strings.Contains(answer, "has changed since") {
		t.Errorf("the answer is %q after %d restarts", answer, c.restarts)
	}
}

func TestAFailedListingDoesNotUseUpACode(t *testing.T) {
	c := newCloud(id)
	_, code := say(c.bot("slack:T1/U1 * *"), anna, "update "+id)
	c.faults = map[string]error{handler.DefaultRegion: handler.Errorf(handler.Unavailable, "no answer")}
	b := c.bot("slack:T1/U1 * *")
	if answer, _ := say(b, anna, "confirm "+code); !strings.Contains(answer, "You can use the same code again") || c.restarts != 0 {
		t.Errorf("the answer is %q", answer)
	}
	c.faults = nil
	if answer, _ := say(b, anna, "confirm "+code); c.restarts != 1 {
		t.Errorf("the answer to the second use is %q", answer)
	}
}

func TestFiveWrongCodesCauseAPause(t *testing.T) {
	c := newCloud(id)
	b := c.bot("slack:T1/U1,U2 * *")
	_, code := say(b, anna, "update "+id)
	for range 5 {
		if answer, _ := say(b, anna, "confirm 2222-2222-2222-2222"); !strings.Contains(answer, "not valid here") {
			t.Errorf("a wrong code is answered %q", answer)
		}
	}
	if answer, _ := say(b, anna, "confirm "+code); !strings.Contains(answer, "Wait a minute") || c.restarts != 0 {
		t.Errorf("the answer to the sixth code is %q", answer)
	}
	bob := anna
	bob.User = "U2"
	if answer, _ := say(b, bob, "confirm 2222-2222-2222-2222"); strings.Contains(answer, "Wait") {
		t.Errorf("the answer to another person is %q", answer)
	}
	c.advance(seconds(61))
	if answer, _ := say(b, anna, "confirm "+code); c.restarts != 1 {
		t.Errorf("the answer after a minute is %q", answer)
	}
}

// A code with one altered character changes nothing.
func TestAnAlteredCodeDoesNothing(t *testing.T) {
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

// No text except the code itself changes anything.
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

func FuzzCode(f *testing.F) {
	f.Add("K7Q2-9M4X-TPDW-6HAC")
	f.Add("yyyyyyyyyyyyyyyy")
	c := newCloud(id)
	b := c.bot("slack:T1/U1 * *")
	f.Fuzz(func(t *testing.T, text string) {
		if answer, _ := say(b, anna, "confirm "+text); c.restarts != 0 || answer == "" {
			t.Fatalf("%q is answered %q after %d restarts", text, answer, c.restarts)
		}
		c.advance(seconds(20)) // so that the pause for wrong codes never begins
	})
}
