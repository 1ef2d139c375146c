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

// documentedFields are those of the README's table.
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
		t.Fatal("the README has no table of the log's fields")
	}
	return fields
}

// The table in the README names the fields that are logged in every kind of
// invocation, and no other.
func TestREADMEHasEveryField(t *testing.T) {
	t.Parallel()
	const whsec = "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdA=="
	w := onLambda(t)
	endpoint, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"TAIRSSL_ENDPOINT=" + endpoint, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing", "TAIRSSL_LEASE_PAUSE=1ms", "TAIRSSL_WINDOW=any", "TAIRSSL_WEBHOOK_SECRETS=" + whsec,
		"TAIRSSL_DINGTALK_APP_SECRETS=ding-secret", "TAIRSSL_CHAT_ALLOW=dingtalk:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}
	var handed []byte
	posts := &told{}
	f := function.New(function.Options{Log: w.log, Metrics: true, Environ: environ, Transport: posts, Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error {
		handed = payload
		return nil
	}})
	ctx := function.WithID(context.Background(), "the-invocation")
	serve := func(path string, header http.Header, body string) {
		header.Set("Content-Type", "application/json")
		if _, _, _, err := f.Serve(ctx, webhook.Forwarded{Method: http.MethodPost, Path: path, Header: header, Body: body, SourceIP: "192.0.2.1"}); err != nil {
			t.Error(err)
		}
	}
	invoke := func(payload string) { _, _ = f.Invoke(ctx, []byte(payload)) } // how it ends is in the line
	invoke(`{"Sweep":{"DryRun":true}}`)
	for _, times := range []int{100, 0} { // none can be read, for as often as it is tried, and then all can
		if err := w.Fault(tairtest.Fault{Action: "DescribeInstanceSSL", Kind: "server_error", Times: times}); err != nil {
			t.Fatal(err)
		}
		if times > 0 {
			invoke(`{"Sweep":{"DryRun":true}}`)
		}
	}
	invoke(`{"Sweep":{"Plan":true}}`)
	body := `{"InstanceId":"` + id + `","SSLEnabled":"Update","Wait":"20s"}`
	header, err := webhook.SignStandard(whsec, "msg_1", time.Now(), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	serve("/ssl", header, body)
	serve("/ssl", header, body)
	serve("/ssl", http.Header{}, body)
	ding := func(text string) {
		serve("/dingtalk", chatops.SignDingTalk("ding-secret", time.Now()), `{"msgtype":"text","text":{"content":"`+text+`"},"senderStaffId":"U1","senderCorpId":"T1","conversationId":"C1","sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=x"}`)
	}
	ding("status")
	serve("/dingtalk", chatops.SignDingTalk("ding-secret", time.Now()), `{"msgtype":"text","text":{"content":"help"},"senderStaffId":"U1","senderCorpId":"T1","sessionWebhook":"https://elsewhere.example/"}`)
	if err := w.Put(tairtest.Instance{InstanceID: "r-chat0001", SSLExpiredTime: handler.At(w.Now().AddDate(0, 0, 9)).String()}); err != nil {
		t.Fatal(err)
	}
	ding("update r-chat0001")
	if code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(posts.bodies[len(posts.bodies)-1]); code != nil {
		ding("confirm " + code[1])
	}
	_, _ = f.InvokeHanded(ctx, handed) // how it ends is in the line
	invoke(`{"status":"firing","truncatedAlerts":2,"alerts":[{"status":"firing","labels":{"instance_id":"r-bp1zxszhcgatnx02"}}]}`)
	invoke(`{"specversion":"1.0","id":"1","source":"probe","type":"com.aliyun.tair.certificate.expiring","subject":"r-bp1zxszhcgatnx04"}`)
	invoke(`{"InstanceId":"r-bp1zxszhcgatnx04","SSLEnabled":"Update"}`)
	invoke(`{"InstanceId":"r-none0000","RegionId":"cn-hangzhou","SSLEnabled":"Update"}`)
	if err := w.Put(tairtest.Instance{InstanceID: "r-lost0001", SSLExpiredTime: handler.At(w.Now().AddDate(0, 0, 9)).String()}); err != nil {
		t.Fatal(err)
	}
	if err := w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "cut_before", Times: 1}); err != nil {
		t.Fatal(err)
	}
	invoke(`{"InstanceId":"r-lost0001","SSLEnabled":"Update"}`)
	_, _ = function.New(function.Options{Log: w.log, Environ: append(environ, "TAIRSSL_RATE=fast")}).Invoke(ctx, []byte(body))
	maintenance := function.New(function.Options{Log: w.log, Environ: append(environ, "TAIRSSL_MAX_TARGETS=1")})
	if err := w.Put(tairtest.Instance{InstanceID: "r-late0001", SSLExpiredTime: handler.At(w.Now().AddDate(0, 0, 9)).String()},
		tairtest.Instance{InstanceID: "r-late0002", SSLExpiredTime: handler.At(w.Now().AddDate(0, 0, 10)).String()}); err != nil {
		t.Fatal(err)
	}
	_, _ = maintenance.Invoke(ctx, []byte(`{"Sweep":{"Regions":["cn-hangzhou"]}}`))
	careful := function.New(function.Options{Log: w.log, Environ: append(environ, "TAIRSSL_APPROVAL=required", "TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *"),
		Transport: posts, Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error { handed = payload; return nil }})
	if err := w.Put(tairtest.Instance{InstanceID: "r-care0001", SSLExpiredTime: handler.At(w.Now().AddDate(0, 0, 9)).String()}); err != nil {
		t.Fatal(err)
	}
	_, _ = careful.Invoke(ctx, []byte(`{"InstanceId":"r-care0001","SSLEnabled":"Update","Automatic":true}`))
	slack := func(text string) string {
		body := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "text": {text}, "response_url": {"https://hooks.slack.com/commands/x"}}.Encode()
		header := chatops.SignSlack("slack-secret", time.Now(), []byte(body))
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, _, answer, _ := careful.Serve(ctx, webhook.Forwarded{Method: http.MethodPost, Path: "/slack", Header: header, Body: body})
		return string(answer)
	}
	if code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(slack("approve r-care0001")); code != nil {
		slack("confirm " + code[1])
	}
	_, _ = careful.InvokeHanded(ctx, handed)
	shut := "TAIRSSL_WINDOW=" + time.Now().Add(4 * 24 * time.Hour).UTC().Weekday().String()[:3] + " 02:00-05:00 UTC"
	if err := w.Put(tairtest.Instance{InstanceID: "r-risk0001", SSLExpiredTime: handler.At(w.Now().AddDate(0, 0, 1)).String()}); err != nil {
		t.Fatal(err)
	}
	_, _ = function.New(function.Options{Log: w.log, Environ: append(environ, shut)}).Invoke(ctx, []byte(`{"Sweep":{"DryRun":true}}`))
	if err := w.Policy([]byte(blindTo("cn-shanghai"))); err != nil {
		t.Fatal(err)
	}
	everywhere := function.New(function.Options{Log: w.log, Environ: append(environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing")})
	_, _ = everywhere.Invoke(ctx, []byte(`{"Sweep":{"DryRun":true}}`))

	logged := map[string]bool{}
	for _, msg := range []string{"invocation", "outcome"} {
		for _, line := range w.lines(t, msg) {
			for field := range line {
				logged[field] = true
			}
		}
	}
	documented := documentedFields(t)
	for _, field := range slices.Sorted(maps.Keys(logged)) {
		if !slices.Contains(documented, field) {
			t.Errorf("the README's table lacks %s", field)
		}
	}
	for _, field := range documented {
		if !logged[field] {
			t.Errorf("the README's table has %s, which was never logged", field)
		}
	}
}

// What Function Compute's users query is in the index, and is logged.
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
			t.Errorf("%s is in the index, but is no field of the log", field)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	queried := regexp.MustCompile(`["\s]message\.([a-z_]+)`).FindAllStringSubmatch(strings.ReplaceAll(string(readme), "`", " "), -1)
	if len(queried) < 10 {
		t.Fatalf("the README queries %d fields", len(queried))
	}
	for _, q := range queried {
		if _, indexed := index.Message.Keys[q[1]]; !indexed {
			t.Errorf("%s is queried, but not in the index", q[1])
		}
	}
	for sum := range strings.SplitSeq(string(readme), `sum("message.`) {
		field, _, found := strings.Cut(sum, `"`)
		if kind := index.Message.Keys[field].Type; found && kind != "" && kind != "long" {
			t.Errorf("%s is summed, but indexed as %s", field, kind)
		}
	}
}
