package chatops_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

func TestSlackButton(t *testing.T) {
	c := newChat()
	var answer struct {
		ResponseType string `json:"response_type"`
		Blocks       []struct {
			Elements []struct {
				ActionID string `json:"action_id"`
				Value    string
			}
		}
	}
	w := c.send(said("slack", "update "+id))
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.ResponseType != "ephemeral" || len(answer.Blocks) != 2 || answer.Blocks[1].Elements[0].ActionID != "confirm" {
		t.Fatalf("the plan is %s, %v", w.Body, err)
	}
	press := func(user, code string) *httptest.ResponseRecorder {
		payload := fmt.Sprintf(`{"type":"block_actions","user":{"id":%q},"team":{"id":"T1"},"channel":{"id":"C1"},"response_url":"https://evil.example/x","actions":[{"action_id":"confirm","value":%q}]}`, user, code)
		body := url.Values{"payload": {payload}}.Encode()
		return c.send(knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))})
	}
	code := answer.Blocks[1].Elements[0].Value
	if w := press("U2", code); w.Code != 200 || c.restarts != 0 {
		t.Errorf("the press of another person is answered %d %s after %d restarts", w.Code, w.Body, c.restarts)
	}
	if w := press("U1", code); w.Code != 200 || !strings.Contains(w.Body.String(), "Started") {
		t.Errorf("the press is answered %d %s", w.Code, w.Body)
	}
	if c.work(t, time.Minute); c.restarts != 1 {
		t.Errorf("the press restarted the instance %d times", c.restarts)
	}
}

// Slack does not show a message with a section of more than 3000 characters, or with more
// than 50 blocks.
func TestALongAnswerKeepsToSlacksLimits(t *testing.T) {
	c := newChat()
	c.fault = handler.Errorf(handler.Forbidden, "%s", strings.Repeat("<&> allow this", 20))
	asked := "status"
	for n := range 20 {
		asked += fmt.Sprintf(" r-long%05d", n)
	}
	w := c.send(said("slack", asked))
	var answer struct {
		Blocks []struct{ Text struct{ Text string } }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Blocks) < 2 || len(answer.Blocks) > 50 {
		t.Fatalf("the answer has %d blocks, %v: %s", len(answer.Blocks), err, w.Body)
	}
	said := 0
	for _, b := range answer.Blocks {
		said += strings.Count(b.Text.Text, "r-long")
		if n := len(b.Text.Text); n == 0 || n > 3000 {
			t.Errorf("a section has %d characters", n)
		}
	}
	if said != 20 {
		t.Errorf("the answer has %d of 20 instances", said)
	}
}

func TestSlackSSLCheck(t *testing.T) {
	c := newChat()
	w := httptest.NewRecorder()
	c.web.ServeHTTP(w, httptest.NewRequest("GET", "/slack?ssl_check=1", nil))
	if w.Code != 200 {
		t.Errorf("GET is answered %d", w.Code)
	}
	if w := c.send(knock{path: "/slack", body: "ssl_check=1&token=x"}); w.Code != 200 {
		t.Errorf("POST is answered %d", w.Code)
	}
	if w := c.send(knock{path: "/slack", body: "ssl_check=1&text=update"}); w.Code != 401 {
		t.Errorf("a check that contains a command is answered %d", w.Code)
	}
}
