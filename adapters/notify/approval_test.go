package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tairssl/handler"
)

const (
	appURL    = "feishu://open.feishu.cn/open-apis/im/v1/messages?receive_id=oc_SECRET42"
	personURL = "feishu://open.larksuite.com/open-apis/im/v1/messages?receive_id=ou_SECRET42"
)

// waiting is a note about a renewal that nobody has approved, with buttons.
func waiting(edit ...func(*Note)) Note {
	return noteOf(handler.Deferred, append([]func(*Note){func(n *Note) {
		n.Rule, n.Reason = handler.RuleApproval, "certificate expires in 12d, within 30d, but nobody approved it yet: say approve r-bp1zxszhcgatnx01 in a chat"
		n.Approve = map[string]Button{"slack": {"approve", "sealed-for-slack"}, "feishu": {"approve", "sealed-for-feishu"}}
	}}, edit...)...)
}

// A notice about a renewal that waits says how to approve it. It has a button if the vendor
// supports buttons.
func TestANoticeAboutAWaitingRenewalSaysHowToApprove(t *testing.T) {
	setting := allURLs + "," + appURL + "," + personURL
	for _, target := range urlsOf(t, setting) {
		body := string(target.fit(digestOf(waiting()), now).Body)
		plain := target.fit(digestOf(waiting(func(n *Note) { n.Approve = nil })), now).Body
		button := strings.Contains(body, "sealed-for-")
		if want := target.name == "slack" || target.bearer; button != want || strings.Contains(body, "sealed-for-slack") != (target.name == "slack") {
			t.Errorf("for %s there is a button: %v\n%s", target.name, button, body)
		}
		if strings.Contains(string(plain), `"button"`) || !strings.Contains(string(plain), "tairssl approve INSTANCE") || !strings.Contains(body, "nobody approved it yet") {
			t.Errorf("for %s the message without a button is\n%s", target.name, plain)
		}
		if !json.Valid([]byte(body)) || strings.Contains(strings.ReplaceAll(body, `"receive_id":"o`, ""), `"SECRET`) {
			t.Errorf("for %s the body is no JSON, or contains a secret:\n%s", target.name, body)
		}
	}
	for name, want := range map[string]string{appURL: "receive_id_type=chat_id", personURL: "receive_id_type=open_id"} {
		target := urlsOf(t, name)[0]
		p := target.fit(digestOf(waiting()), now)
		var message struct {
			ReceiveID string `json:"receive_id"`
			MsgType   string `json:"msg_type"`
			Content   string
		}
		if err := json.Unmarshal(p.Body, &message); err != nil || message.MsgType != "interactive" || !strings.HasSuffix(message.ReceiveID, "_SECRET42") || !json.Valid([]byte(message.Content)) || p.URL.RawQuery != want {
			t.Errorf("%s is sent\n%s, %v", &p.URL, p.Body, err)
		}
		golden(t, "waiting."+map[bool]string{true: "chat", false: "person"}[name == appURL]+".json", append(p.Body, '\n'))
	}
	golden(t, "waiting.slack.json", append(urlsOf(t, slackURL)[0].fit(digestOf(waiting()), now).Body, '\n'))
}

// A message about many waiting renewals fits into the limits. Slack takes 50 blocks.
func TestANoticeAboutManyWaitingRenewalsFits(t *testing.T) {
	var notes []Note
	for i := range 100 {
		notes = append(notes, waiting(named(i), func(n *Note) {
			n.Reason = strings.Repeat("证书到期[<&", 100)
			n.Approve["slack"] = Button{"approve", strings.Repeat("x", 300)}
			n.Approve["feishu"] = n.Approve["slack"]
		}))
	}
	for _, target := range urlsOf(t, slackURL+","+appURL) {
		body := target.fit(digestOf(notes...), now).Body
		var slack struct{ Blocks []any }
		_ = json.Unmarshal(body, &slack)
		if len(body) > target.limit || len(slack.Blocks) > 50 || strings.Count(string(body), "approve") < 3 {
			t.Errorf("for %s the body has %d bytes and %d blocks", target.name, len(body), len(slack.Blocks))
		}
	}
}

// Every approval causes a notice, and no tag remembers it.
func TestEveryApprovalCausesANotice(t *testing.T) {
	w := newWorld(t, nil)
	n := w.process(t, slackURL)
	approved := noteOf(handler.Deferred, func(n *Note) {
		n.ApprovedBy, n.Reason = "slack:U1", "slack:U1 approved it: it is renewed from 2026-11-24T18:00:00Z on"
	})
	n.Tell(ctx, []Note{approved})
	if body, _ := io.ReadAll(w.got[0].Body); len(w.got) != 1 || !strings.Contains(string(body), "renewal approved: slack:U1 approved it") || strings.Contains(string(body), "button") {
		t.Errorf("the notice is %s", body)
	}
	if len(w.of) != 0 {
		t.Errorf("a tag remembers the approval: %v", w.of)
	}
	approved.Reason = "cli:ann approved it: it is renewed from 2026-11-24T18:00:00Z on"
	if n.Tell(ctx, []Note{approved}); len(w.got) != 2 {
		t.Errorf("the second notice is sent %d times", len(w.got)-1)
	}
}

// A message of the app's bot carries the app's access token. After a refusal it carries a
// new token.
func TestTheAppsBotIsAuthorized(t *testing.T) {
	var seen []string
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") == "Bearer t1-SECRET" {
			_, _ = io.WriteString(rw, `{"code":99991663,"msg":"token t1-SECRET is invalid"}`)
			return
		}
		well(rw, r)
	})
	n := w.process(t, appURL)
	n.Token = func(_ context.Context, host string, renew bool) (string, error) {
		if host != "open.feishu.cn" {
			return "", errors.New("another host")
		}
		return fmt.Sprintf("t%d-SECRET", map[bool]int{true: 2, false: 1}[renew]), nil
	}
	if n.Tell(ctx, []Note{waiting()}); fmt.Sprint(seen) != "[Bearer t1-SECRET Bearer t2-SECRET]" || w.undelivered != 0 {
		t.Errorf("the message was sent with %v; the log has\n%s", seen, &w.log)
	}
	for name, token := range map[string]func(context.Context, string, bool) (string, error){
		"no app":   nil,
		"no token": func(context.Context, string, bool) (string, error) { return "", errors.New("the app is gone") },
	} {
		w := newWorld(t, nil)
		n := w.process(t, appURL)
		n.Token = token
		n.Tell(ctx, []Note{waiting()})
		if len(w.got) != 0 || w.undelivered != 1 || !strings.Contains(w.log.String(), map[string]string{"no app": "TAIRSSL_FEISHU_APP_ID", "no token": "the app is gone"}[name]) {
			t.Errorf("with %s %d were sent; the log has\n%s", name, len(w.got), &w.log)
		}
	}
	if strings.Contains(w.log.String(), "SECRET") {
		t.Errorf("the log shows a secret:\n%s", &w.log)
	}
}
