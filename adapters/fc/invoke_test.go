package fc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"tairssl/adapters/chatops"
	"tairssl/adapters/fc"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// invokeAPI is Function Compute's own API. It queues asynchronous invocations of the one
// function, if its role calls.
type invokeAPI struct {
	queued []string
	status int
}

func (a *invokeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	status := a.status
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/2023-03-30/functions/tairssl-webhooks/invocations":
		status = http.StatusNotFound
	case !strings.HasPrefix(r.Header.Get("Authorization"), "acs of-the-role:") || r.Header.Get("X-Fc-Invocation-Type") != "Async":
		status = http.StatusBadRequest
	}
	if status == http.StatusAccepted {
		a.queued = append(a.queued, string(body))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status != http.StatusAccepted {
		_, _ = io.WriteString(w, `{"RequestId":"1-64f6cd87","Code":"AccessDenied","Message":"the caller may not do this"}`)
	}
}

// conversation is a chat in Slack with the function.
type conversation struct {
	*tairtest.Emulator
	api      *invokeAPI
	function func(context.Context, []byte) (json.RawMessage, error)
	relay    string      // the address for answers in Slack
	told     chan string // those answers
	log      *bytes.Buffer
}

func newConversation(t *testing.T) *conversation {
	t.Helper()
	c := &conversation{api: &invokeAPI{status: http.StatusForbidden}, log: &bytes.Buffer{}, told: make(chan string, 1)}
	server := httptest.NewServer(c.api)
	t.Cleanup(server.Close)
	relay := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.told <- string(body)
	}))
	t.Cleanup(relay.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: relay.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	var endpoint string
	c.Emulator, endpoint = tairtest.Start(t, tairtest.Options{Lag: -1, ChangeTime: -1, Keys: map[string]string{"of-the-role": "role-secret"}}, tairtest.SampleFleet(time.Now())...)
	c.function = fc.New([]string{"TAIRSSL_ENDPOINT=" + endpoint, "TAIRSSL_INVOKE_ENDPOINT=" + server.URL, "TAIRSSL_CA_FILE=" + ca, "TAIRSSL_LEASE_PAUSE=1ms",
		"TAIRSSL_CHAT_REPLY_HOSTS=" + relay.Listener.Addr().String(),
		"TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef"}, c.log)
	c.relay = relay.URL
	return c
}

// invoke sends a payload with the context of Function Compute.
func (c *conversation) invoke(payload []byte) (json.RawMessage, error) {
	return c.function(fccontext.NewContext(context.Background(), &fccontext.FcContext{
		Region: "cn-hangzhou", AccountId: "1234567890123456", Function: fccontext.Function{Name: "tairssl-webhooks"},
		Credentials: fccontext.Credentials{AccessKeyId: "of-the-role", AccessKeySecret: "role-secret", SecurityToken: "token"},
	}), payload)
}

// say sends a command in Slack and returns the answer.
func (c *conversation) say(t *testing.T, text string) string {
	t.Helper()
	form := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {c.relay + "/secret"}}.Encode()
	headers := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for name, values := range chatops.SignSlack("slack-secret", time.Now(), []byte(form)) {
		headers[name] = values[0]
	}
	answer, err := c.invoke(handler.JSON(map[string]any{"version": "v1", "rawPath": "/slack", "headers": headers, "body": form, "requestContext": map[string]any{"http": map[string]string{"method": "POST"}}}))
	var response struct {
		StatusCode int
		Body       string
	}
	if err != nil || json.Unmarshal(answer, &response) != nil || response.StatusCode != 200 {
		t.Fatalf("%s is answered %s, %v", text, answer, err)
	}
	return response.Body
}

// The whole way: a code confirmed in Slack, Function Compute's own API, an asynchronous
// invocation, a renewed certificate, and an answer in Slack.
func TestAChangeConfirmedInSlackIsMadeAfterTheAnswer(t *testing.T) {
	c := newConversation(t)
	code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(c.say(t, "update "+id))[1]
	if answer := c.say(t, "confirm "+code); !strings.Contains(answer, "allow fc:InvokeFunction") || !strings.Contains(answer, "You can use the same code again") {
		t.Errorf("without the right confirm is answered %s", answer)
	}
	if !strings.Contains(c.log.String(), `"kind":"forbidden"`) {
		t.Errorf("the log has\n%s", c.log)
	}
	c.api.status = http.StatusAccepted
	if answer := c.say(t, "confirm "+code); !strings.Contains(answer, "Started: update "+id) || len(c.api.queued) != 1 {
		t.Fatalf("confirm is answered %s", answer)
	}
	if answer, err := c.invoke([]byte(c.api.queued[0])); err != nil || string(answer) != "{}" {
		t.Errorf("the work is answered %s, %v", answer, err)
	}
	if i, _ := c.Instance(id); i.Restarts != 1 {
		t.Errorf("the instance restarted %d times", i.Restarts)
	}
	if told := <-c.told; !strings.Contains(told, "Done: ") {
		t.Errorf("people were told %s", told)
	}
	// In a message of a queue, handed work is refused.
	carried := handler.JSON(map[string]any{"specversion": "1.0", "id": "1", "source": "mns", "type": "mns:Queue:SendMessage", "data": map[string]string{"messageBody": c.api.queued[0]}})
	if answer, err := c.invoke(carried); err != nil || !strings.Contains(string(answer), `"refused"`) {
		t.Errorf("in a message it is answered %s, %v", answer, err)
	}
	if strings.Contains(c.log.String(), "/secret") || strings.Contains(c.log.String(), code) {
		t.Errorf("the log shows an address or a code:\n%s", c.log)
	}
}
