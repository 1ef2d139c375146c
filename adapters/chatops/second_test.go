package chatops_test

import (
	"strings"
	"testing"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

func TestASecondPersonConfirms(t *testing.T) {
	c := newCloud(id)
	b := c.bot("slack:T1/U1,U2 * *", func(o *chatops.Options) { o.Second = true })
	plan, code := say(b, anna, "update "+id)
	if !strings.Contains(plan, "Another person") {
		t.Errorf("the plan is %q", plan)
	}
	if answer, _ := say(b, anna, "confirm "+code); c.restarts != 0 || !strings.Contains(answer, "nother person") {
		t.Errorf("the answer to the person who asked is %q", answer)
	}
	bob := anna
	bob.User = "U2"
	if answer, _ := say(b, bob, "confirm "+code); c.restarts != 1 {
		t.Errorf("the answer to the second person is %q", answer)
	}
}

// Another person can confirm in a process that never saw the plan. The person who asked
// cannot.
func TestASecondPersonConfirmsInAnyProcess(t *testing.T) {
	second := func(o *chatops.Options) { o.Second = true }
	const rules = "slack:T1/U1,U2 * *"
	for minute := range 3 {
		c := newCloud(id)
		c.advance(seconds(minute * 977))
		_, code := say(c.bot(rules, second), anna, "update "+id)
		bob, elsewhere := anna, anna
		bob.User, elsewhere.User, elsewhere.Channel = "U2", "U2", "C2"
		for name, who := range map[string]chatops.Message{"the person who asked": anna, "another channel": elsewhere} {
			if answer, _ := say(c.bot(rules, second), who, code); c.restarts != 0 {
				t.Errorf("%s is answered %q", name, answer)
			}
		}
		if answer, _ := say(c.bot(rules), bob, code); c.restarts != 0 {
			t.Errorf("without the setting for a second person, the answer is %q", answer)
		}
		if answer, _ := say(c.bot(rules, second), bob, code); c.restarts != 1 {
			t.Errorf("the answer to the second person is %q", answer)
		}
	}
}

// A person who sees a message of a weak platform can forge messages in the name of any
// person.
func TestAWeakPlatformChangesNothingIfTwoPersonsDecide(t *testing.T) {
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
		// The code was given before the setting was changed.
		_, code := say(c.bot(rule), m, "update "+id)
		other := m
		other.User = "U2"
		for _, who := range []chatops.Message{m, other} {
			if answer, _ := say(two, who, "confirm "+code); c.restarts != 0 {
				t.Errorf("%s: %s confirms and gets the answer %q, and the instance restarts", platform, who.User, answer)
			}
		}
	}
}

// If a second person has to confirm, that person must see the button. So everybody in the
// chat sees the plan.
func TestEverybodySeesAPlanForASecondPerson(t *testing.T) {
	for _, platform := range []string{"slack", "mattermost"} {
		for second, want := range map[bool]string{true: "in_channel", false: "ephemeral"} {
			if second && platform == "mattermost" {
				continue // it cannot make a change that needs two persons
			}
			c := newChat(func(_ *chatops.ChatOptions, o *chatops.Options) { o.Second = second })
			if w := c.send(said(platform, "update "+id)); !strings.Contains(w.Body.String(), `"response_type":"`+want+`"`) {
				t.Errorf("%s: with a second person %t the plan is not %s: %s", platform, second, want, w.Body)
			}
			if w := c.send(said(platform, "status "+id)); !strings.Contains(w.Body.String(), `"response_type":"ephemeral"`) {
				t.Errorf("%s: with a second person %t everybody sees a status: %s", platform, second, w.Body)
			}
		}
	}
}
