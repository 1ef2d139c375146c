package chatops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
)

func TestFeishuChallengeAndCard(t *testing.T) {
	c := newChat()
	for name, test := range map[string]struct {
		body string
		code int
	}{
		"plain":             {`{"challenge":"xyz","token":"feishu-token","type":"url_verification"}`, 200},
		"encrypted":         {sealed(`{"challenge":"xyz","token":"feishu-token","type":"url_verification"}`), 200},
		"with a bad token":  {`{"challenge":"xyz","token":"other","type":"url_verification"}`, 401},
		"an unsigned event": {sealed(`{"token":"feishu-token","header":{"event_type":"im.message.receive_v1","token":"feishu-token"}}`), 401},
	} {
		if w := c.send(knock{path: "/feishu", body: test.body}); w.Code != test.code || test.code == 200 && !strings.Contains(w.Body.String(), `{"challenge":"xyz"}`) {
			t.Errorf("a challenge, %s, is answered %d %s", name, w.Code, w.Body)
		}
	}
	w := c.send(said("feishu", "update "+id))
	code := codeIn.FindStringSubmatch(w.Body.String())[1]
	press := fmt.Sprintf(`{"schema":"2.0","header":{"event_type":"card.action.trigger","token":"feishu-token","tenant_key":"T1"},"event":{"operator":{"open_id":"U1"},"action":{"value":{"action":"confirm","code":%q}},"context":{"open_chat_id":"C1","open_message_id":"om_2"}}}`, code)
	if w := c.send(knock{path: "/feishu", body: press, header: chatops.SignFeishu("test key", "abc", now, []byte(press))}); w.Code != 200 || !strings.Contains(w.Body.String(), "toast") || !strings.Contains(w.Body.String(), "I will report the result here") {
		t.Errorf("the card's button, signed and plain, is answered %d %s", w.Code, w.Body)
	}
	if told := c.work(t, time.Minute); c.restarts != 1 || !strings.Contains(told, "/messages/om_2/reply") || !strings.Contains(told, "Done: ") {
		t.Errorf("the result is reported as %s after %d restarts", told, c.restarts)
	}
}

func TestARefusedFeishuTokenIsReplaced(t *testing.T) {
	refusing := false
	v := &vendor{answer: func(path string) (int, string) {
		if refusing && strings.HasSuffix(path, "/reply") {
			return 400, `{"code":99991663}`
		}
		return 200, `{"code":0,"tenant_access_token":"t-1","expire":7200}`
	}}
	c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
		o.Transport = v
	})
	tokens := func() (n int) {
		for _, got := range v.got {
			if strings.Contains(got, "tenant_access_token") {
				n++
			}
		}
		return n
	}
	c.send(said("feishu", "help"))
	c.send(said("feishu", "help"))
	if tokens() != 1 {
		t.Errorf("two answers took %d tokens", tokens())
	}
	refusing = true
	c.send(said("feishu", "help"))
	refusing = false
	c.send(said("feishu", "help"))
	if tokens() != 2 {
		t.Errorf("after a refusal %d tokens were fetched in all, want 2", tokens())
	}
}

// Feishu sends an event again if the answer is late. The second delivery is not a second
// command.
func TestAnEventOfFeishuCountsOnce(t *testing.T) {
	c := newChat()
	k := said("feishu", "update "+id)
	code := codeIn.FindStringSubmatch(c.send(k).Body.String())[1]
	if w := c.send(k); w.Code != 200 || w.Body.String() != "{}" {
		t.Errorf("the answer to the second delivery is %d %s", w.Code, w.Body)
	}
	confirm := said("feishu", "confirm "+code)
	if w := c.send(confirm); !strings.Contains(w.Body.String(), "Started") {
		t.Errorf("the answer to the confirmation is %s", w.Body)
	}
	if w := c.send(confirm); w.Body.String() != "{}" || len(c.handed) != 1 {
		t.Errorf("the answer to the repeated event is %s, and the work is handed over %d times", w.Body, len(c.handed))
	}
}
