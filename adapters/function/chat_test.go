package function_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
	"tairssl/adapters/webhook"
)

const slackNotices = "TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T/B/SECRETSECRET"

// again makes another process of the same function. It has no memory of plans.
func (w world) again(t *testing.T, settings ...string) world {
	t.Helper()
	url, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.Function = function.New(function.Options{
		Environ: append([]string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=50ms", "ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}, settings...),
		Log:     w.log, Transport: w.posts,
		Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error {
			*w.handed = append(*w.handed, string(payload))
			return nil
		},
	})
	return w
}

// A change that a person confirmed in a chat causes a notice, like every other change.
func TestAChangeConfirmedInAChatCausesANotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, append(chatSettings, slackNotices)...)
	payload, _ := w.start(t, responseURL)
	w.log.Reset()
	if _, err := w.InvokeHanded(context.Background(), payload); err != nil {
		t.Fatal(err)
	}
	told := strings.Join(w.posts.bodies, "\n")
	if !strings.Contains(told, "renewal done") || !strings.Contains(told, "The new certificate is valid until") {
		t.Errorf("the messages are %s", told)
	}
	w.lines(t, "invocation")[0].want(t, entry{"verified": 1, "requests": 1, "actor": "slack:T1/U1", "outcome": "verified", "notices_failed": nil})
}

// A code may be typed in lower case and without dashes. Each message goes to another
// process.
func TestATypedCodeMakesOneChangeInAnyProcess(t *testing.T) {
	t.Parallel()
	settings := []string{"TAIRSSL_DINGTALK_APP_SECRETS=ding-secret", "TAIRSSL_CHAT_ALLOW=dingtalk:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef"}
	w := newWorld(t, settings...)
	say := func(w world, text string) string {
		body := `{"msgtype":"text","text":{"content":"` + text + `"},"conversationId":"C1","senderStaffId":"U1","senderCorpId":"T1"}`
		header := chatops.SignDingTalk("ding-secret", time.Now())
		_, _, answer, err := w.Serve(context.Background(), webhook.Forwarded{Method: http.MethodPost, Path: "/dingtalk", Header: header, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	code := codeIn.FindStringSubmatch(say(w, "update "+id))[1]
	bare := strings.ToLower(strings.ReplaceAll(code, "-", ""))
	altered := strings.NewReplacer("2", "3", "3", "4", "a", "c", "c", "d").Replace(bare)
	for _, text := range []string{altered, bare, "confirm " + bare} {
		other := w.again(t, settings...)
		say(other, text)
		for _, payload := range *w.handed {
			if _, err := other.again(t, settings...).InvokeHanded(context.Background(), []byte(payload)); err != nil {
				t.Fatal(err)
			}
		}
		*w.handed = nil
		if want := map[bool]int{true: 0, false: 1}[text == altered && altered != bare]; w.restarts(id) != want {
			t.Errorf("%s restarted the instance %d times, want %d:\n%s", text, w.restarts(id), want, w.log)
		}
	}
}

func TestACommandThatTheAPIDeniesIsLoggedWithItsKindAndCode(t *testing.T) {
	for _, text := range []string{"status", "status " + id, "update " + id} {
		w := newWorld(t, append(chatSettings, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=another-secret")...)
		answer := w.slack(t, text, responseURL)
		line := w.line(t)
		line.want(t, entry{"actor": "slack:T1/U1", "outcome": "failed", "kind": "forbidden", "level": "ERROR"})
		line.has(t, "code", "request_id", "reason")
		line.want(t, entry{"failed": 1, "requests": 1})
		if strings.Contains(answer, "faults") {
			t.Errorf("%s is answered %s", text, answer)
		}
	}
}

// The count of failures, which an alarm watches, includes chats. It leaves out commands
// that were refused, and wrong names.
func TestARefusedCommandOrAWrongNameIsNotCountedAsFailed(t *testing.T) {
	for text, want := range map[string]entry{
		"update " + id:         {"outcome": "refused", "kind": "forbidden", "refused": nil, "failed": nil, "requests": 0, "level": "WARN"},
		"status r-nothing1234": {"outcome": "failed", "kind": "not_found", "failed": nil, "requests": 0},
		"status " + id:         {"outcome": "answered", "failed": nil, "requests": 0},
	} {
		w := newWorld(t, chatSettings[0], chatSettings[2], "TAIRSSL_CHAT_ALLOW=slack:T1/U1 status *")
		w.slack(t, text, responseURL)
		w.line(t).want(t, want)
	}
}

func TestAnAnswerThatSlackRefusesIsLoggedAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, append(chatSettings, slackNotices)...)
	payload, _ := w.start(t, responseURL)
	w.posts.answer = `{"ok":false,"error":"expired_url"}`
	w.log.Reset()
	if _, err := w.InvokeHanded(context.Background(), payload); err != nil {
		t.Fatal(err)
	}
	line := w.lines(t, "invocation")[0]
	line.want(t, entry{"notices_failed": 2, "level": "WARN"})
	if !strings.Contains(w.log.String(), "expired_url") {
		t.Errorf("the log lacks the error of Slack:\n%s", w.log)
	}
}

// If each call of the API takes 700 ms, a chat is still answered in time, and a change is
// made once.
func TestAChatIsAnsweredInTimeIfTheAPIIsSlow(t *testing.T) {
	t.Parallel()
	e := tairtest.Emulate(t, tairtest.Options{Lag: 100 * time.Millisecond, ChangeTime: 100 * time.Millisecond, Latency: 700 * time.Millisecond}, tairtest.SampleFleet(time.Now())...)
	w := world{Emulator: e, log: &bytes.Buffer{}, handed: &[]string{}, posts: &told{}}
	w = w.again(t, chatSettings...)
	quick := func(text string) string {
		began := time.Now()
		answer := w.slack(t, text, responseURL)
		if took := time.Since(began); took > 2600*time.Millisecond {
			t.Errorf("%s is answered after %s, want at most 2.6 s", text, took)
		}
		return answer
	}
	work := func() string {
		payloads := *w.handed
		*w.handed, w.posts.bodies = nil, nil
		for _, payload := range payloads {
			if _, err := w.again(t, chatSettings...).InvokeHanded(context.Background(), []byte(payload)); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Join(w.posts.bodies, "\n")
	}
	plan := quick("update " + id)
	if !codeIn.MatchString(plan) {
		plan = work() // the plan comes in a later message
	}
	code := codeIn.FindStringSubmatch(plan)
	if code == nil {
		t.Fatalf("the plan is %s", plan)
	}
	w = w.again(t, chatSettings...)
	if answer := quick("confirm " + code[1]); !strings.Contains(answer, "I will report the result here") {
		t.Errorf("the code is answered %s", answer)
	}
	if end := work(); !strings.Contains(end, "The new certificate is valid until") || w.restarts(id) != 1 {
		t.Errorf("the last message is %s after %d restarts, want 1", end, w.restarts(id))
	}
}
