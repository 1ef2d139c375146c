package function_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/notify"
	"tairssl/adapters/tair/tairtest"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

func TestANoticeIsSentOnceAndNeverForADryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := &told{}
	url, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := function.New(function.Options{Log: &bytes.Buffer{}, Transport: p, Environ: []string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=50ms", "TAIRSSL_WINDOW=any",
		"TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T/B/secret", "ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}})
	ask := func(payload string) {
		if _, err := f.Invoke(context.Background(), []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	ask(`{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"}`)
	if len(p.bodies) != 0 {
		t.Errorf("a request that changed nothing sent the notices %v", p.bodies)
	}
	ask(`{"InstanceId":"tt-bp1zxszhcgatnx05","SSLEnabled":"Update","Automatic":true,"DryRun":true}`)
	ask(`{"InstanceId":"r-none0000","SSLEnabled":"Update","Automatic":true,"DryRun":true}`)
	ask(`{"Sweep":{"DryRun":true}}`)
	if len(p.bodies) != 0 {
		t.Errorf("dry runs sent the notices %v", p.bodies)
	}
	for _, i := range w.Instances() {
		if value := i.Tags[notify.ToldTag]; value != "" {
			t.Errorf("a dry run tagged %s with %q", i.InstanceID, value)
		}
	}
	const refused = `{"InstanceId":"tt-bp1zxszhcgatnx05","SSLEnabled":"Update","Automatic":true}`
	ask(refused)
	ask(refused)
	if len(p.bodies) != 1 || !strings.Contains(p.bodies[0], "tt-bp1zxszhcgatnx05") {
		t.Errorf("an automatic change that was refused twice sent the notices %v, want one", p.bodies)
	}
	ask(`{"InstanceId":"` + id + `","SSLEnabled":"Update","Wait":"20s"}`)
	if len(p.bodies) != 2 || !strings.Contains(p.bodies[1], id) {
		t.Errorf("after a renewal the notices are %v, want one more", p.bodies)
	}
}

// hurried records how much time is left for a message.
type hurried struct {
	told
	left time.Duration
}

func (p *hurried) RoundTrip(r *http.Request) (*http.Response, error) {
	if deadline, ok := r.Context().Deadline(); ok {
		p.left = time.Until(deadline)
	}
	return p.told.RoundTrip(r)
}

// A request that takes all the time of its invocation must still cause a notice.
func TestThereIsTimeForANoticeAfterARequestThatTookAllTheTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstanceSSL", Kind: "slow", Times: 9}); err != nil {
		t.Fatal(err)
	}
	url, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &hurried{}
	f := function.New(function.Options{Log: &bytes.Buffer{}, Transport: p, Environ: []string{"TAIRSSL_ENDPOINT=" + url,
		"TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T/B/secret", "ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}})
	const most = 4 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	_, _ = f.Invoke(ctx, []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update","Automatic":true}`)) // the result is in the notice
	if len(p.bodies) != 1 || !strings.Contains(p.bodies[0], "failed") || p.left < most/8 {
		t.Errorf("of %s, only %s were left for the notices %v", most, p.left, p.bodies)
	}
}

// press presses the approval button of a notice in Slack.
func press(t *testing.T, f *function.Function, now time.Time, notice string) {
	t.Helper()
	button := regexp.MustCompile(`"action_id":"approve","value":"([^"]+)"`).FindStringSubmatch(notice)
	if button == nil {
		t.Fatalf("the notice has no button: %s", notice)
	}
	payload := fmt.Sprintf(`{"type":"block_actions","user":{"id":"U1"},"team":{"id":"T1"},"channel":{"id":"C1"},"response_url":"https://hooks.slack.com/actions/x","actions":[{"action_id":"approve","value":%q}]}`, button[1])
	body := url.Values{"payload": {payload}}.Encode()
	header := chatops.SignSlack("slack-secret", now, []byte(body))
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, answer, err := f.Serve(t.Context(), webhook.Forwarded{Method: http.MethodPost, Path: "/slack", Header: header, Body: body, SourceIP: "192.0.2.1"})
	if err != nil || status != http.StatusOK || !strings.Contains(string(answer), "Started: approve r-wait0001") {
		t.Fatalf("the press is answered %d %s, %v", status, answer, err)
	}
}

// A sweep sends a notice to Slack with a button for the renewal that waits for an approval.
// The button sets the tag, and another notice reports it. The next sweep renews only the
// approved instance.
func TestANoticeIsApprovedByItsButtonAndTheNextSweepRenews(t *testing.T) {
	t.Parallel()
	w := onLambda(t)
	endpoint, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put(tairtest.Instance{InstanceID: "r-wait0001", SSLExpiredTime: handler.At(w.Now().AddDate(0, 0, 20)).String()}); err != nil {
		t.Fatal(err)
	}
	people, handed := &told{}, []byte(nil)
	f := function.New(function.Options{Log: w.log, Transport: people, Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error {
		handed = payload
		return nil
	}, Environ: []string{"TAIRSSL_ENDPOINT=" + endpoint, "TAIRSSL_LEASE_PAUSE=1ms", "TAIRSSL_WINDOW=any", "TAIRSSL_WAIT=5s", "TAIRSSL_APPROVAL=required", "TAIRSSL_INSTANCES=r-wait*,r-bp1*",
		"TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 approve *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef", "TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T1/B1/secret",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}})
	sweep := func() {
		t.Helper()
		if _, err := f.Invoke(t.Context(), []byte(`{"Sweep":{}}`)); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if len(people.bodies) != 1 || !strings.Contains(people.bodies[0], "r-wait0001 (cn-hangzhou)*: renewal waits for an approval") {
		t.Fatalf("the notices are %q", people.bodies)
	}
	_, section, _ := strings.Cut(people.bodies[0], "r-wait0001 (cn-hangzhou)*")
	press(t, f, w.Now(), section)
	if _, err := f.InvokeHanded(t.Context(), handed); err != nil {
		t.Fatal(err)
	}
	wantApproved(t, w, people.bodies[1:])
	sweep()
	if n := w.restarts("r-wait0001"); n != 1 {
		t.Errorf("the next sweep restarted r-wait0001 %d times, want once", n)
	}
	for _, other := range w.Instances() {
		if other.Restarts > 0 && other.InstanceID != "r-wait0001" {
			t.Errorf("%s was restarted without an approval", other.InstanceID)
		}
	}
}

// wantApproved checks the tag, the notice and the log line of an approval.
func wantApproved(t *testing.T, w world, notices []string) {
	t.Helper()
	i, _ := w.Instance("r-wait0001")
	if a, ok := handler.ParseApproval(i.Tags[handler.ApprovalTag]); !ok || a.Who != "slack:U1" || i.Restarts != 0 {
		t.Errorf("the tags are %v after %d restarts, want an approval by slack:U1 and no restart", i.Tags, i.Restarts)
	}
	if told := strings.Join(notices, "\n"); !strings.Contains(told, "renewal approved: slack:U1 approved it") {
		t.Errorf("the notices are %s, want one of the approval", told)
	}
	lines := w.lines(t, "invocation")
	lines[len(lines)-1].want(t, entry{"approved_by": "slack:U1", "outcome": "deferred", "verb": "confirm approve", "deferred": 1, "trigger": "handed/slack"})
}
