package localruntime_test

import (
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

	"tairssl/adapters/chatops"
	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// workspace is a Slack workspace: it sends what people say to a function's route
// and takes the answers that come later.
type workspace struct {
	*testing.T
	cloud   localruntime.Cloud
	process *localruntime.Process
	later   chan string
	url     string // of the answers that come later
	log     *output
}

// newWorkspace starts a real function, frozen between invocations, over an API
// each of whose calls takes so long.
func newWorkspace(t *testing.T, cloud localruntime.Cloud, latency time.Duration) (*workspace, *tairtest.Emulator) {
	w := &workspace{T: t, cloud: cloud, later: make(chan string, 8), log: newOutput()}
	relay := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.later <- string(body)
	}))
	t.Cleanup(relay.Close)
	w.url = relay.URL + "/an-address"
	e, err := tairtest.New(tairtest.Options{Lag: 100 * time.Millisecond, ChangeTime: 100 * time.Millisecond, Latency: latency})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
		t.Fatal(err)
	}
	endpoint, err := e.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: relay.Certificate().Raw})
	if err := os.WriteFile(ca, append(e.CAPEM(), own...), 0o600); err != nil {
		t.Fatal(err)
	}
	env := environment("TAIRSSL_ENDPOINT="+endpoint, "TAIRSSL_CA_FILE="+ca, "TAIRSSL_LEASE_PAUSE=300ms", "TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret",
		"TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef", "TAIRSSL_CHAT_REPLY_HOSTS="+relay.Listener.Addr().String(),
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret")
	w.process, err = localruntime.Start(t.Context(), cloud, needBinary(t, cloud), localruntime.Options{Env: env, Stderr: w.log, Timeout: deadline, Freeze: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.process.Close() })
	return w, e
}

// say sends a slash command, and gives the answer and how long it took.
func (w *workspace) say(text string) (answer string, took time.Duration) {
	w.Helper()
	body := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {w.url}}.Encode()
	headers := map[string]string{"content-type": "application/x-www-form-urlencoded"}
	for name, values := range chatops.SignSlack("slack-secret", time.Now(), []byte(body)) {
		headers[name] = values[0]
	}
	event := map[string]any{"version": "2.0", "routeKey": "$default", "rawPath": "/slack", "headers": headers, "body": body,
		"requestContext": map[string]any{"http": map[string]string{"method": "POST", "sourceIp": "192.0.2.1"}}}
	if w.cloud == localruntime.FC {
		event["version"] = "v1"
	}
	began := time.Now()
	reply, err := w.process.Invoke(w.Context(), handler.JSON(event))
	took = time.Since(began)
	var response struct {
		StatusCode int
		Body       string
	}
	if err != nil || reply.Failed || json.Unmarshal(reply.Payload, &response) != nil || response.StatusCode != http.StatusOK {
		w.Fatalf("%s is answered %s, %v\n%s", text, reply.Payload, err, w.log)
	}
	return response.Body, took
}

// told waits for an answer that comes later.
func (w *workspace) told() string {
	w.Helper()
	select {
	case text := <-w.later:
		return text
	case <-time.After(deadline):
		w.Fatalf("nothing was told later\n%s", w.log)
		return ""
	}
}

// With an API that takes 700 ms for each call, and a process that is stopped as
// soon as it has answered, a change that is confirmed in Slack is answered within
// Slack's three seconds, made once, and its end is told.
func TestAConfirmedChangeIsMadeThoughTheProcessIsFrozenBetweenInvocations(t *testing.T) {
	const id = "r-bp1zxszhcgatnx01"
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			w, e := newWorkspace(t, cloud, 700*time.Millisecond)
			plan, took := w.say("update " + id)
			if strings.Contains(plan, "takes longer") { // the first call of a cold process
				plan = w.told()
			}
			code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(plan)
			if code == nil || took > 3*time.Second {
				t.Fatalf("after %s the plan is %s", took, plan)
			}
			confirm := func() {
				if answer, took := w.say("confirm " + code[1]); took > 3*time.Second {
					t.Errorf("after %s confirm is answered %s", took, answer)
				}
			}
			confirm()
			// A cloud starts another process for what comes meanwhile; here there is
			// one, which would first end the change. So the end is awaited.
			if told := w.told(); !strings.Contains(told, "Done") {
				t.Errorf("told is %s", told)
			}
			confirm() // Slack sends a command again if it waited too long
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			if _, err := w.process.Async(ctx); err != nil {
				t.Error(err)
			}
			if i, _ := e.Instance(id); i.Restarts != 1 {
				t.Errorf("the instance restarted %d times\n%s", i.Restarts, w.log)
			}
		})
	}
}
