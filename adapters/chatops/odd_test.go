package chatops_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tairssl/adapters/chatops"
)

// odd makes variants of a JSON text. In each variant, one field has another value.
func odd(t *testing.T, sample string) (all []string) {
	t.Helper()
	var whole any
	if err := json.Unmarshal([]byte(sample), &whole); err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	values := []any{nil, 7, -1.5e300, "x", "\ufffd\u0000", true, []any{}, []any{nil}, map[string]any{}, map[string]any{"id": 5}, json.RawMessage(deep)}
	var walk func(at any)
	walk = func(at any) {
		change := func(get func() any, set func(any)) {
			was := get()
			for _, v := range values {
				set(v)
				text, err := json.Marshal(whole)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, string(text))
			}
			set(was)
			walk(was)
		}
		switch at := at.(type) {
		case map[string]any:
			for name := range at {
				change(func() any { return at[name] }, func(v any) { at[name] = v })
			}
		case []any:
			for i := range at {
				change(func() any { return at[i] }, func(v any) { at[i] = v })
			}
		}
	}
	walk(whole)
	return all
}

// Vendors put odd values into their fields. An odd value never gives a right. A message is
// still answered if the odd field is not needed.
func TestAnOddFieldGivesNoRightAndStopsNoMessage(t *testing.T) {
	mention := `{"type":"event_callback","team_id":"T1","event_id":"Ev1","authorizations":[{"user_id":"UBOT"}],"event":{"type":"app_mention","user":"U1","text":"<@UBOT> status","channel":"C1","ts":"1.2","thread_ts":"1.1"}}`
	post := `{"header":{"event_id":"1","event_type":"im.message.receive_v1","token":"feishu-token","tenant_key":"T1"},"event":{"sender":{"sender_id":{"open_id":"U1"},"sender_type":"user"},"message":{"message_id":"om_1","chat_id":"C1","message_type":"text","content":"{\"text\":\"status\"}","mentions":[{"key":"@_user_1"}]}}}`
	press := `{"header":{"event_id":"2","event_type":"card.action.trigger","token":"feishu-token","tenant_key":"T1"},"event":{"operator":{"open_id":"U1"},"action":{"value":{"action":"confirm","code":"x"}},"context":{"open_chat_id":"C1","open_message_id":"om_2"}}}`
	sign := map[string]func(body string) knock{
		"slack": func(body string) knock {
			return knock{path: "/slack", body: body, header: with(chatops.SignSlack("slack-secret", now, []byte(body)), "Content-Type", "application/json")}
		},
		"button": func(body string) knock {
			body = url.Values{"payload": {body}}.Encode()
			return knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))}
		},
		"feishu": func(body string) knock {
			return knock{path: "/feishu", body: body, header: chatops.SignFeishu("test key", "n", now, []byte(body))}
		},
		"dingtalk": func(body string) knock {
			return knock{path: "/dingtalk", body: body, header: chatops.SignDingTalk("ding-secret", now)}
		},
		"teams": func(body string) knock {
			h, _ := chatops.SignTeams(teamsToken, []byte(body))
			return knock{path: "/teams", body: body, header: h}
		},
	}
	n := 0
	for _, sample := range []struct{ by, body string }{
		{"slack", mention}, {"feishu", post}, {"feishu", press}, {"button", string(example(t, "slack-org-wide-button.json"))},
		{"dingtalk", said("dingtalk", "status").body}, {"dingtalk", string(example(t, "dingtalk-rich-text.json"))}, {"teams", said("teams", "status").body},
	} {
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) { o.Settings.SlackBotToken = "xoxb-1" })
		for _, body := range odd(t, sample.body) {
			n++
			// A message with another token is not authentic.
			if w := c.send(sign[sample.by](body)); w.Code != http.StatusOK && w.Code != http.StatusUnauthorized || c.restarts > 0 || len(c.handed) > 0 {
				t.Errorf("%s: %.300s is answered %d %s", sample.by, body, w.Code, w.Body)
			}
		}
		if strings.Contains(c.log.String(), `"msg":"panic"`) {
			t.Errorf("%s: the log has a panic", sample.by)
		}
	}
	if n < 500 {
		t.Fatalf("only %d bodies were tried", n)
	}
	odd := strings.Replace(said("teams", "status "+id).body, `"id":"29:x"`, `"id":["29:x"]`, 1)
	if w := newChat().send(sign["teams"](odd)); !strings.Contains(w.Body.String(), id+": valid until") {
		t.Errorf("the answer with an unused field of another type is %s", w.Body)
	}
}
