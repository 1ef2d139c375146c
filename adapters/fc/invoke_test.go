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

// The whole way: a code confirmed in Slack, Function Compute's own API, an asynchronous
// invocation, a renewed certificate, and an answer in Slack.
func TestAChangeConfirmedInSlackIsMadeAfterTheAnswer(t *testing.T) {
	api := &invokeAPI{status: http.StatusForbidden}
	server := httptest.NewServer(api)
	defer server.Close()
	told := make(chan string, 1)
	relay := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	defer relay.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: relay.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := tairtest.New(tairtest.Options{Lag: -1, ChangeTime: -1, Keys: map[string]string{"of-the-role": "role-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
		t.Fatal(err)
	}
	endpoint, err := e.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	f := fc.New([]string{"TAIRSSL_ENDPOINT=" + endpoint, "TAIRSSL_INVOKE_ENDPOINT=" + server.URL, "TAIRSSL_CA_FILE=" + ca, "TAIRSSL_LEASE_PAUSE=1ms",
		"TAIRSSL_CHAT_REPLY_HOSTS=" + relay.Listener.Addr().String(),
		"TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef"}, log)
	invocation := func(payload []byte) (json.RawMessage, error) {
		return f(fccontext.NewContext(context.Background(), &fccontext.FcContext{
			Region: "cn-hangzhou", AccountId: "1234567890123456", Function: fccontext.Function{Name: "tairssl-webhooks"},
			Credentials: fccontext.Credentials{AccessKeyId: "of-the-role", AccessKeySecret: "role-secret", SecurityToken: "token"},
		}), payload)
	}
	say := func(text string) string {
		form := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {relay.URL + "/secret"}}.Encode()
		headers := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		for name, values := range chatops.SignSlack("slack-secret", time.Now(), []byte(form)) {
			headers[name] = values[0]
		}
		answer, err := invocation(handler.JSON(map[string]any{"version": "v1", "rawPath": "/slack", "headers": headers, "body": form, "requestContext": map[string]any{"http": map[string]string{"method": "POST"}}}))
		var response struct {
			StatusCode int
			Body       string
		}
		if err != nil || json.Unmarshal(answer, &response) != nil || response.StatusCode != 200 {
			t.Fatalf("%s is answered %s, %v", text, answer, err)
		}
		return response.Body
	}
	code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(say("update " + id))[1]
	if answer := say("confirm " + code); !strings.Contains(answer, "allow fc:InvokeFunction") || !strings.Contains(answer, "You can use the same code again") {
		t.Errorf("without the right confirm is answered %s", answer)
	}
	if !strings.Contains(log.String(), `"kind":"forbidden"`) {
		t.Errorf("the log has\n%s", log)
	}
	api.status = http.StatusAccepted
	if answer := say("confirm " + code); !strings.Contains(answer, "Started: update "+id) || len(api.queued) != 1 {
		t.Fatalf("confirm is answered %s", answer)
	}
	if answer, err := invocation([]byte(api.queued[0])); err != nil || string(answer) != "{}" {
		t.Errorf("the work is answered %s, %v", answer, err)
	}
	if i, _ := e.Instance(id); i.Restarts != 1 {
		t.Errorf("the instance restarted %d times", i.Restarts)
	}
	if told := <-told; !strings.Contains(told, "Done: ") {
		t.Errorf("people were told %s", told)
	}
	// In a message of a queue, handed work is refused.
	carried := handler.JSON(map[string]any{"specversion": "1.0", "id": "1", "source": "mns", "type": "mns:Queue:SendMessage", "data": map[string]string{"messageBody": api.queued[0]}})
	if answer, err := invocation(carried); err != nil || !strings.Contains(string(answer), `"refused"`) {
		t.Errorf("in a message it is answered %s, %v", answer, err)
	}
	if strings.Contains(log.String(), "/secret") || strings.Contains(log.String(), code) {
		t.Errorf("the log shows an address or a code:\n%s", log)
	}
}
