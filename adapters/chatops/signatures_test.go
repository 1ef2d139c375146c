package chatops_test

import (
	"testing"
	"time"

	"tairssl/adapters/chatops"
)

func TestVendorsDocumentedSignatures(t *testing.T) {
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	if got := chatops.SignSlack("8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0), []byte(body)).Get("X-Slack-Signature"); got != "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503" {
		t.Errorf("Slack signs %s", got)
	}
	if got := chatops.SignDingTalk("this is secret", time.UnixMilli(1577262236757)).Get("Sign"); got != "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=" {
		t.Errorf("DingTalk signs %s", got)
	}
	sealed := `{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}`
	if got := chatops.SignFeishu("test key", "abc", time.Unix(1700000000, 0), []byte(sealed)).Get("X-Lark-Signature"); got != "0c09d96c2aef2ad08179b3967ea410bbc91dab24ce3aec05af962cf1935844af" {
		t.Errorf("Feishu signs %s", got)
	}
	if got, err := chatops.FeishuDecrypt("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="); err != nil || string(got) != "hello world" {
		t.Errorf("Feishu's text is decrypted to %q, %v", got, err)
	}
	if h, err := chatops.SignTeams(teamsToken, []byte(`{"type":"message","text":"<at>tair</at> status"}`)); err != nil || h.Get("Authorization") != "HMAC 5Vkg0/uM+D7MSDoJ+YgUvnqpAQqv9SBZZZWdwLpwCoA=" {
		t.Errorf("Teams signs %v, %v", h, err)
	}
}
