package chatops_test

import (
	"strings"
	"testing"

	"tairssl/adapters/chatops"
)

func TestRules(t *testing.T) {
	for _, bad := range []string{"", ";", "slack:T1/U1 status", "slack:T1 status *", "irc:T1/U1 status *", "slack:T1/U1 reboot *", "slack:T1/U1 status r-[", "slack:/U1 status *", "slack:T1/ status *", "slack:T1/U1 status * more"} {
		var r chatops.Rules
		if r.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("the wrong rule %q is accepted", bad)
		}
	}
	for _, bad := range []string{
		"slack:T1/U1 * *, dingtalk:T1/U1 * *", "slack:T1/U1 * *,dingtalk:T1/U1 * *", "slack:T1/U1 * *\ndingtalk:T1/U1 * *", "slack:T1/U1, slack:T1/U2 * *",
		"slack:T1/U1,slack:T1/U2 * *", "slack:T1/U1 *,teams:T1/U1 * *", "slack:T1/U1 status, update *", "slack:T1/U1 * r-bp1*,slack:T1/U2",
	} {
		var r chatops.Rules
		if err := r.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "separate rules by a semicolon") || !strings.Contains(err.Error(), "slack:T123/U456 status,update r-bp1*; feishu:tenant1/oc_42 status *") {
			t.Errorf("the error for the rules %q is %v; it does not name the separator and show correct rules", bad, err)
		}
	}
	var r chatops.Rules
	if err := r.UnmarshalText([]byte("slack:T123/U456 status,update r-bp1*; dingtalk:ding1/staff9 * *; feishu:tenant1/oc_42 status *;")); err != nil || len(r) != 3 {
		t.Fatalf("the rules are %v, %v", r, err)
	}
}

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
		"an unknown person":      {"slack:*/* * *", "status " + id, chatops.Message{Platform: "slack", Tenant: "T1"}, false},
		"an id with a slash":     {"dingtalk:T1/cid* * *", "status " + id, chatops.Message{Platform: "dingtalk", Tenant: "T1", User: "U1", Channel: "cidA/b=="}, true},
		"a plan that is refused": {"slack:T1/U1 status *", "update " + id, anna, false},
	} {
		answer, code := say(c.bot(test.rules), test.who, test.text)
		refused := strings.Contains(answer, "may not") || strings.Contains(answer, "may do nothing")
		if refused == test.allowed || code != "" {
			t.Errorf("%s: the answer is %q", name, answer)
		}
	}
	if answer, _ := say(c.bot("slack:T1/U1 status *"), anna, "help"); !strings.Contains(answer, "status") || strings.Contains(answer, "update") {
		t.Errorf("help shows %q", answer)
	}
}

// A sender may claim any id, such as "*". The suggested rule must not allow everybody, and
// must not contain a link.
func TestARuleIsSuggestedOnlyForPlainIDs(t *testing.T) {
	c := newCloud(id)
	for user, offered := range map[string]bool{"U1": true, "29:1a-b_c": true, "*": false, "U?": false, "[a-z]": false, "U1,U2": false, "U1 * *;": false, "<b>": false, strings.Repeat("U", 60000): false} {
		answer, _ := say(c.bot(""), chatops.Message{Platform: "teams", Tenant: "T1", User: user}, "status "+id)
		if got := strings.Contains(answer, "teams:T1/"+user); got != offered || len(answer) > 500 || !strings.Contains(answer, "TAIRSSL_CHAT_ALLOW") {
			t.Errorf("%.20q is answered %.500q", user, answer)
		}
	}
}
