package localruntime_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/cli/localruntime"
)

// Both real functions answer with the instance's state: to recorded messages of the
// vendors' clients, and to texts that people type.
func TestRecordedAndTypedTextsAreAnsweredWithTheState(t *testing.T) {
	t.Parallel()
	const id = "r-bp1zxszhcgatnx01"
	sayings := map[string]func() (client, saying){
		"rich text of DingTalk": func() (client, saying) {
			return clientOf(t, "dingtalk"), dingTalkSays(example(t, "dingtalk-rich-text.json"))
		},
		"a post of Feishu": func() (client, saying) { return clientOf(t, "feishu"), feishuSays(example(t, "feishu-post.json")) },
		"HTML of Teams":    func() (client, saying) { return clientOf(t, "teams"), teamsSays(example(t, "teams-html.json")) },
	}
	typed := strings.Split(strings.TrimSpace(string(example(t, "slack-typed.txt"))), "\n")
	if len(typed) < 8 {
		t.Fatalf("slack-typed.txt has only %d texts", len(typed))
	}
	for _, text := range typed {
		for _, c := range clients {
			sayings[text+", in "+c.name] = func() (client, saying) { return c, c.says(text) }
		}
	}
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, cloud, 0)
			p := o.process(t)
			i, _ := o.Instance(id)
			for name, say := range sayings {
				c, s := say()
				if answer := o.send(t, p, c, s); !strings.Contains(answer, id) || !strings.Contains(answer, i.SSLExpiredTime[:len(time.DateOnly)]) {
					t.Errorf("%s: the answer is %s", name, answer)
				}
			}
			o.keepsSecrets(t)
			if i, _ := o.Instance(id); i.Restarts != 0 {
				t.Errorf("texts without a confirmation restarted the instance %d times", i.Restarts)
			}
		})
	}
}

// example returns a recorded message of a vendor's client.
func example(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("../../chatops/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// With a slow API a new process still answers a status command in time.
func TestAStatusIsAnsweredInTimeByASlowAPI(t *testing.T) {
	t.Parallel()
	onBothClouds(t, func(t *testing.T, cloud localruntime.Cloud) {
		o := newOffice(t, cloud, slowAPI)
		o.each(t, func(t *testing.T, _ int, c client) {
			if answer := o.answer(t, o.process(t), c, "状态 orders-cache", "结果稍后发到这里"); !strings.Contains(answer, "r-bp1zxszhcgatnx01：有效期至 ") {
				t.Errorf("the answer is %s", answer)
			}
		})
	})
}

// DingTalk refuses a message with status 200 and an error code. The log has the code.
func TestARefusalOfDingTalkIsInTheLog(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			o := newOffice(t, cloud, 0)
			o.refusal = `{"errcode":310000,"errmsg":"sign not match: session=x"}`
			c := clientOf(t, "dingtalk")
			if answer := o.send(t, o.process(t), c, c.says("status")); !strings.Contains(answer, "orders-cache") && !strings.Contains(answer, "r-bp1zxszhcgatnx01") {
				t.Errorf("the answer is %s", answer)
			}
			o.logs(t, `"reply":"refused with code 310000: sign not match`)
			o.keepsSecrets(t)
		})
	}
}

// An app that is installed for a whole organization sends a pressed button without a
// team. Two presses, in processes that never saw the plan, make one change, and the
// message shows who pressed.
func TestAButtonOfAnOrganizationsAppMakesOneChange(t *testing.T) {
	t.Parallel()
	const id, shown = "r-bp1zxszhcgatnx01", "hooks.slack.com/actions/x"
	onBothClouds(t, func(t *testing.T, cloud localruntime.Cloud) {
		o := newOffice(t, cloud, slowAPI)
		code := o.plan(t, clientOf(t, "slack"), id)
		press := client{name: "a button of slack", within: inTime, later: shown, posted: true, says: func(code string) saying {
			payload := strings.Replace(string(example(t, "slack-org-wide-button.json")), "the code", "confirm "+code, 1)
			body := []byte(url.Values{"payload": {payload}}.Encode())
			return saying{"/slack", nil, of(form, chatops.SignSlack("slack-secret", time.Now(), body)), body}
		}}
		first, second := o.process(t), o.process(t)
		for _, p := range []*localruntime.Process{first, second} {
			if answer := o.send(t, p, press, press.says(code)); !strings.Contains(answer, `"replace_original":true`) || !strings.Contains(answer, "Confirmed by <@U1>.") || !strings.Contains(answer, "Started") {
				t.Errorf("the press shows %s", answer)
			}
		}
		finished(t, first)
		finished(t, second)
		if i, _ := o.Instance(id); i.Restarts != 1 {
			t.Errorf("the instance restarted %d times\n%s", i.Restarts, o.log)
		}
		o.toldOnce(t, press, 0)
		o.keepsSecrets(t, code)
	})
}
