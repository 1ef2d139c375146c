package function_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/function"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

var chatSettings = []string{"TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef"}

const responseURL = "https://hooks.slack.com/commands/secret"

// slack sends a text in Slack, and returns the immediate answer. Later answers go to the
// address.
func (w world) slack(t *testing.T, text, address string) string {
	t.Helper()
	body := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {address}}.Encode()
	header := chatops.SignSlack("slack-secret", time.Now(), []byte(body))
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, answer, err := w.Serve(context.Background(), webhook.Forwarded{Method: http.MethodPost, Path: "/slack", Header: header, Body: body})
	if status != http.StatusOK || err != nil {
		t.Fatalf("%s is answered %d %s, %v", text, status, answer, err)
	}
	return string(answer)
}

var codeIn = regexp.MustCompile(`confirm ([A-Z0-9-]{19})`)

// start plans and confirms an update. It returns the payload that was handed over, and the
// code.
func (w world) start(t *testing.T, address string) (payload []byte, code string) {
	t.Helper()
	found := codeIn.FindStringSubmatch(w.slack(t, "update "+id, address))
	if found == nil {
		t.Fatal("the plan has no code")
	}
	if answer := w.slack(t, "confirm "+found[1], address); !strings.Contains(answer, "Started: update "+id) || len(*w.handed) == 0 || w.restarts(id) != 0 {
		t.Fatalf("the confirmation is answered %s after %d restarts", answer, w.restarts(id))
	}
	return []byte((*w.handed)[0]), found[1]
}

func TestAChangeConfirmedInAChatIsMadeByAnotherInvocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, chatSettings...)
	payload, code := w.start(t, responseURL)
	for range 2 { // a platform may deliver a payload twice
		if answer, err := w.InvokeHanded(context.Background(), payload); err != nil || string(answer) != "{}" || w.restarts(id) != 1 {
			t.Fatalf("the work ends with %s, %v after %d restarts, want 1", answer, err, w.restarts(id))
		}
	}
	if len(w.posts.bodies) != 2 || !strings.Contains(w.posts.bodies[0], "Done: the certificate is renewed. The new certificate is valid until") {
		t.Errorf("the chat was sent %v", w.posts.bodies)
	}
	for _, secret := range []string{responseURL, "commands/secret", code, string(payload), "0123456789abcdef"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log shows %s:\n%s", secret, w.log)
		}
	}
}

func TestHandedWorkFromAnotherSenderIsUnauthorized(t *testing.T) {
	w := newWorld(t, chatSettings...)
	payload, _ := w.start(t, responseURL)
	other := newWorld(t, slices.Concat(chatSettings[:2], []string{"TAIRSSL_CONFIRM_KEY=fedcba9876543210"})...)
	silent := newWorld(t, chatSettings[:2]...)
	altered := slices.Clone(payload)
	altered[60] ^= 1
	for name, test := range map[string]struct {
		world
		payload string
	}{
		"forged": {w, `{"Handed":"c2VhbGVk"}`}, "altered": {w, string(altered)}, "with a sweep order": {w, strings.Replace(string(payload), "{", `{"Sweep":{},`, 1)},
		"under another key": {other, string(payload)}, "without a key": {silent, string(payload)},
	} {
		test.log.Reset()
		_, err := test.InvokeHanded(context.Background(), []byte(test.payload))
		var failure *function.Failure
		if !errors.As(err, &failure) || failure.Type != "unauthorized" || test.restarts(id) != 0 {
			t.Errorf("%s: the work ends with %v after %d restarts, want unauthorized and none", name, err, test.restarts(id))
		}
		test.line(t).want(t, entry{"level": "ERROR", "trigger": "handed", "outcome": "failed", "kind": "unauthorized", "error_type": "unauthorized"})
	}
}

// Only InvokeHanded accepts handed work.
func TestHandedWorkIsRefusedEverywhereElse(t *testing.T) {
	w := newWorld(t, append(slices.Clone(chatSettings), "TAIRSSL_GITHUB_SECRETS=git-secret")...)
	payload, _ := w.start(t, responseURL)
	w.log.Reset()
	answer, err := w.Invoke(context.Background(), payload)
	if err != nil || !strings.Contains(string(answer), `"refused"`) || !strings.Contains(string(answer), "asynchronous invocation") {
		t.Errorf("an ordinary invocation is answered %s, %v; want a refusal", answer, err)
	}
	answers, err := w.Deliver(context.Background(), event.Message{Carrier: "sqs", ID: "m1", Content: payload})
	if err != nil || answers[0].Redeliver() != nil || answers[0].Results[0].Outcome != handler.Refused {
		t.Errorf("a record of a queue is answered %s, %v; want a refusal", answers[0].Body(), err)
	}
	header := webhook.SignGitHub("git-secret", payload)
	header.Set("Content-Type", "application/json")
	if status, _, body, _ := w.Serve(context.Background(), webhook.Forwarded{Method: http.MethodPost, Path: "/ssl", Header: header, Body: string(payload)}); status != http.StatusForbidden {
		t.Errorf("a request over HTTP is answered %d %s, want 403", status, body)
	}
	if w.restarts(id) != 0 || strings.Contains(w.log.String(), string(payload[20:60])) {
		t.Errorf("there were %d restarts, want none; the log must not have the payload:\n%s", w.restarts(id), w.log)
	}
}

// Without a way to hand work over, a chat can only read, and its answer says so.
func TestWithoutAWayToHandWorkOverChatsOnlyRead(t *testing.T) {
	w := newWorld(t, chatSettings...)
	endpoint, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.Function = function.New(function.Options{Log: w.log, Transport: w.posts, Environ: append(slices.Clone(chatSettings), "TAIRSSL_ENDPOINT="+endpoint,
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret")})
	if answer := w.slack(t, "update "+id, responseURL); !strings.Contains(answer, "switched off") || codeIn.MatchString(answer) {
		t.Errorf("update is answered %s", answer)
	}
	if answer := w.slack(t, "status "+id, responseURL); !strings.Contains(answer, id+": valid until") {
		t.Errorf("status is answered %s", answer)
	}
}

// Answers reach a relay of the operator, whose certificate comes from a private authority.
func TestAnswersAreSentToARelayOfAPrivateAuthority(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	relay := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(body)
	}))
	defer relay.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: relay.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	endpoint, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.Function = function.New(function.Options{Log: w.log, Environ: append(slices.Clone(chatSettings), "TAIRSSL_ENDPOINT="+endpoint, "TAIRSSL_CA_FILE="+ca,
		"TAIRSSL_CHAT_REPLY_HOSTS="+relay.Listener.Addr().String(), "TAIRSSL_LEASE_PAUSE=50ms",
		"TAIRSSL_INVOKE_ENDPOINT=https://invoke.example.com", "ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"),
		Invoke: func(ctx context.Context, api function.InvokeAPI, payload []byte) error {
			if c, err := api.Credentials(ctx); api.Endpoint.String() != "https://invoke.example.com" || api.Roots == nil || err != nil || c.AccessKeyID != "emulator" {
				t.Errorf("the invoke API has the endpoint %v, the roots %v and the credentials %v, %v", api.Endpoint, api.Roots, c, err)
			}
			*w.handed = append(*w.handed, string(payload))
			return nil
		}})
	payload, _ := w.start(t, relay.URL+"/hook")
	if _, err := w.InvokeHanded(context.Background(), payload); err != nil {
		t.Fatal(err)
	}
	if told := <-got; !strings.HasPrefix(told, "/hook ") || !strings.Contains(told, "Done: ") {
		t.Errorf("the relay received %s", told)
	}
}

func TestHandedWorkEndsWithAnErrorOnlyIfItDidNotBegin(t *testing.T) {
	w := newWorld(t, append(slices.Clone(chatSettings), "TAIRSSL_RATE=fast")...)
	var failure *function.Failure
	if _, err := w.InvokeHanded(context.Background(), []byte(`{"Handed":"x"}`)); !errors.As(err, &failure) || failure.Type != "internal" {
		t.Errorf("with wrong settings the work ends with %v, want an internal error", err)
	}
	w = newWorld(t, chatSettings...)
	payload, _ := w.start(t, responseURL)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second) // too short for a write
	defer cancel()
	if _, err := w.InvokeHanded(ctx, payload); err != nil || w.restarts(id) != 0 || len(w.posts.bodies) != 1 || !strings.Contains(w.posts.bodies[0], "Failed.") {
		t.Errorf("without time for a write, the work ends with %v, and the chat was sent %v", err, w.posts.bodies)
	}
}
