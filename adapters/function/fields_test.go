package function_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// documentedFields lists the fields in the README's table.
func documentedFields(t *testing.T) (fields []string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "\n| field | in | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		for _, field := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
			fields = append(fields, field[1])
		}
	}
	if len(fields) == 0 {
		t.Fatal("README.md has no table of the fields of the log")
	}
	return fields
}

// life is a function that is used in every way, so that its log has every field.
type life struct {
	world
	*function.Function
	t       *testing.T
	ctx     context.Context
	environ []string
	payload []byte // the last work that was handed over
}

const (
	lifeWhsec = "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdA=="
	lifeDing  = "ding-secret"
	lifeSlack = "slack-secret"
)

func newLife(t *testing.T) *life {
	t.Helper()
	w := onLambda(t)
	endpoint, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &life{world: w, t: t, ctx: function.WithID(context.Background(), "the-invocation"), environ: []string{
		"TAIRSSL_ENDPOINT=" + endpoint, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing", "TAIRSSL_LEASE_PAUSE=1ms", "TAIRSSL_WINDOW=any", "TAIRSSL_WEBHOOK_SECRETS=" + lifeWhsec,
		"TAIRSSL_DINGTALK_APP_SECRETS=" + lifeDing, "TAIRSSL_CHAT_ALLOW=dingtalk:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}}
	l.Function = l.with()
	return l
}

// with makes a function with further settings. It writes into the same log.
func (l *life) with(settings ...string) *function.Function {
	return function.New(function.Options{Log: l.log, Metrics: true, Environ: append(slices.Clone(l.environ), settings...), Transport: l.posts, Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error {
		l.payload = payload
		return nil
	}})
}

// invoke invokes a function. Its result is in the log.
func (l *life) invoke(f *function.Function, payload string) { _, _ = f.Invoke(l.ctx, []byte(payload)) }

// serve sends an HTTP request and returns the body of the answer.
func (l *life) serve(f *function.Function, path, media string, header http.Header, body string) string {
	l.t.Helper()
	header.Set("Content-Type", media)
	_, _, answer, err := f.Serve(l.ctx, webhook.Forwarded{Method: http.MethodPost, Path: path, Header: header, Body: body, SourceIP: "192.0.2.1"})
	if err != nil {
		l.t.Error(err)
	}
	return string(answer)
}

// expiring puts an instance into the cloud whose certificate expires in some days.
func (l *life) expiring(id string, days int) {
	l.t.Helper()
	if err := l.Put(tairtest.Instance{InstanceID: id, SSLExpiredTime: handler.At(l.Now().AddDate(0, 0, days)).String()}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) fault(action, kind string, times int) {
	l.t.Helper()
	if err := l.Fault(tairtest.Fault{Action: action, Kind: kind, Times: times}); err != nil {
		l.t.Fatal(err)
	}
}

// sweeps makes sweeps and plans, so that the log has their fields.
func (l *life) sweeps() {
	l.t.Helper()
	const dry = `{"Sweep":{"DryRun":true}}`
	l.invoke(l.Function, dry)
	l.fault("DescribeInstanceSSL", "server_error", 100) // no instance can be read
	l.invoke(l.Function, dry)
	l.fault("DescribeInstanceSSL", "server_error", 0)
	l.invoke(l.Function, `{"Sweep":{"Plan":true}}`)
	l.expiring("r-late0001", 9)
	l.expiring("r-late0002", 10)
	l.invoke(l.with("TAIRSSL_MAX_TARGETS=1"), `{"Sweep":{"Regions":["cn-hangzhou"]}}`)
	l.expiring("r-risk0001", 1)
	shut := time.Now().Add(4 * 24 * time.Hour).UTC().Weekday().String()[:3] + " 02:00-05:00 UTC"
	l.invoke(l.with("TAIRSSL_WINDOW="+shut), dry)
}

// requests makes webhooks, events and requests that fail, so that the log has their
// fields.
func (l *life) requests() {
	l.t.Helper()
	body := `{"InstanceId":"` + id + `","SSLEnabled":"Update","Wait":"20s"}`
	header, err := webhook.SignStandard(lifeWhsec, "msg_1", time.Now(), []byte(body))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, h := range []http.Header{header, header, {}} { // authentic, repeated, forged
		l.serve(l.Function, "/ssl", "application/json", h, body)
	}
	l.invoke(l.Function, `{"status":"firing","truncatedAlerts":2,"alerts":[{"status":"firing","labels":{"instance_id":"r-bp1zxszhcgatnx02"}}]}`)
	l.invoke(l.Function, `{"specversion":"1.0","id":"1","source":"probe","type":"com.aliyun.tair.certificate.expiring","subject":"r-bp1zxszhcgatnx04"}`)
	l.invoke(l.Function, `{"InstanceId":"r-bp1zxszhcgatnx04","SSLEnabled":"Update"}`)
	l.invoke(l.Function, `{"InstanceId":"r-none0000","RegionId":"cn-hangzhou","SSLEnabled":"Update"}`)
	l.expiring("r-lost0001", 9)
	l.fault("ModifyInstanceSSL", "cut_before", 1)
	l.invoke(l.Function, `{"InstanceId":"r-lost0001","SSLEnabled":"Update"}`)
	l.invoke(l.with("TAIRSSL_RATE=fast"), body)
}

// chats confirms a change in a chat, so that the log has its fields.
func (l *life) chats() {
	l.t.Helper()
	ding := func(text, webhook string) {
		l.t.Helper()
		l.serve(l.Function, "/dingtalk", "application/json", chatops.SignDingTalk(lifeDing, time.Now()),
			`{"msgtype":"text","text":{"content":"`+text+`"},"senderStaffId":"U1","senderCorpId":"T1","conversationId":"C1","sessionWebhook":"`+webhook+`"}`)
	}
	const vendor = "https://oapi.dingtalk.com/robot/sendBySession?session=x"
	ding("status", vendor)
	ding("help", "https://elsewhere.example/")
	l.expiring("r-chat0001", 9)
	ding("update r-chat0001", vendor)
	code := codeIn.FindStringSubmatch(l.posts.bodies[len(l.posts.bodies)-1])
	if code == nil {
		l.t.Fatalf("the plan has no code: %s", l.posts.bodies)
	}
	ding("confirm "+code[1], vendor)
	_, _ = l.InvokeHanded(l.ctx, l.payload) // the result is in the log
}

// approvals approves a renewal in a chat, so that the log has its fields.
func (l *life) approvals() {
	l.t.Helper()
	careful := l.with("TAIRSSL_APPROVAL=required", "TAIRSSL_SLACK_SIGNING_SECRETS="+lifeSlack, "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *")
	slack := func(text string) string {
		l.t.Helper()
		body := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "text": {text}, "response_url": {"https://hooks.slack.com/commands/x"}}.Encode()
		return l.serve(careful, "/slack", "application/x-www-form-urlencoded", chatops.SignSlack(lifeSlack, time.Now(), []byte(body)), body)
	}
	l.expiring("r-care0001", 9)
	l.invoke(careful, `{"InstanceId":"r-care0001","SSLEnabled":"Update","Automatic":true}`)
	code := codeIn.FindStringSubmatch(slack("approve r-care0001"))
	if code == nil {
		l.t.Fatal("the plan of the approval has no code")
	}
	slack("confirm " + code[1])
	_, _ = careful.InvokeHanded(l.ctx, l.payload) // the result is in the log
}

// The README's table names exactly the fields that are logged in all kinds of
// invocations.
func TestTheREADMENamesExactlyTheFieldsOfTheLog(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.requests()
	l.chats()
	l.approvals()
	l.sweeps()
	if err := l.Policy([]byte(blindTo("cn-shanghai"))); err != nil {
		t.Fatal(err)
	}
	l.invoke(l.Function, `{"Sweep":{"DryRun":true}}`)

	logged := map[string]bool{}
	for _, msg := range []string{"invocation", "outcome"} {
		for _, line := range l.lines(t, msg) {
			for field := range line {
				logged[field] = true
			}
		}
	}
	documented := documentedFields(t)
	for _, field := range slices.Sorted(maps.Keys(logged)) {
		if !slices.Contains(documented, field) {
			t.Errorf("the README's table lacks the field %s", field)
		}
	}
	for _, field := range documented {
		if !logged[field] {
			t.Errorf("the README's table has the field %s, which no invocation logged", field)
		}
	}
}

// The index of Function Compute's log has only fields that are logged, and all fields
// that the README queries.
func TestLogIndexHasTheFieldsOfTheQueries(t *testing.T) {
	text, err := os.ReadFile("../fc/logindex.json")
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Message struct {
			Type string
			Keys map[string]struct{ Type string } `json:"json_keys"`
		}
	}
	if err := json.Unmarshal(text, &index); err != nil || index.Message.Type != "json" {
		t.Fatalf("the index of message is of type %q, %v", index.Message.Type, err)
	}
	documented := documentedFields(t)
	for field := range index.Message.Keys {
		if !slices.Contains(documented, field) {
			t.Errorf("the index has %s, which is not a field of the log", field)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	queried := regexp.MustCompile(`["\s]message\.([a-z_]+)`).FindAllStringSubmatch(strings.ReplaceAll(string(readme), "`", " "), -1)
	if len(queried) < 10 {
		t.Fatalf("the README queries only %d fields", len(queried))
	}
	for _, q := range queried {
		if _, indexed := index.Message.Keys[q[1]]; !indexed {
			t.Errorf("the README queries %s, which is not in the index", q[1])
		}
	}
	for sum := range strings.SplitSeq(string(readme), `sum("message.`) {
		field, _, found := strings.Cut(sum, `"`)
		if kind := index.Message.Keys[field].Type; found && kind != "" && kind != "long" {
			t.Errorf("the README sums %s, but its type in the index is %s", field, kind)
		}
	}
}
