package lambda_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"golang.org/x/sync/errgroup"

	"tairssl/adapters/function"
	"tairssl/adapters/lambda"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// whole is the name of the function without a fault.
const whole = "a key by reference"

// processes is the number of processes of each function in the storm. Within a process,
// requests for one instance wait for each other.
const processes = 8

// No secret is printed, answered or sent to another host. The test plays every trigger,
// right and forged proofs, faults of the API and of chats, failing and panicking
// credentials, and wrong settings.
func TestChaosLeaksNothing(t *testing.T) {
	s := newStage(t)
	payloads := s.payloads(t)
	var functions []map[string]awslambda.Handler
	for range processes {
		functions = append(functions, s.functions(t))
	}
	s.printed(t, func() {
		s.fleet(t)
		s.calm(t, functions[0][whole])
		s.storm(t, functions, payloads)
		panicky(s.ears)
	})
	s.checkThatItWasChaos(t)
	for _, leak := range s.check() {
		t.Errorf("leaked in %s", leak)
	}
}

// payloads are all samples, requests to every route, queues and orders.
func (s *stage) payloads(t *testing.T) [][]byte {
	t.Helper()
	var payloads [][]byte
	for _, payload := range handlertest.Samples(t, "../../events") {
		// With 30 s, a lost write would be watched until the deadline.
		payloads = append(payloads, bytes.ReplaceAll(payload, []byte(`"Wait":"30s"`), []byte(`"Wait":"1s"`)))
	}
	for range 3 {
		payloads = append(payloads, []byte(`{"InstanceId":"`+s.anyOne()+`","SSLEnabled":"Update"}`))
	}
	for _, text := range []string{"status", "status r-bp1zxszhcgatnx01", "update " + s.anyOne(), "disable r-bp1zxszhcgatnx02", "confirm not-a-code", "help"} {
		payloads = append(payloads, s.knocks(t, text, false)...)
		payloads = append(payloads, s.knocks(t, text, true)...)
	}
	return append(payloads, sqs(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`, "poison", `{"Sweep":{}}`), []byte(`{"Sweep":{"DryRun":true}}`), []byte(`{"Sweep":{"Plan":true}}`), []byte("poison"))
}

// functions are functions with different credentials and settings, right and wrong.
func (s *stage) functions(t *testing.T) map[string]awslambda.Handler {
	t.Helper()
	// An STS that repeats its request in its error.
	talkative := func(status int, code string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(status)
			_, _ = w.Write(handler.JSON(map[string]string{"Code": code, "Message": "not so: " + string(body) + r.URL.String(), "RequestId": "3D57EAD2"}))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(handler.JSON(map[string]any{"Credentials": map[string]string{"AccessKeyId": secrets["role's key id"], "AccessKeySecret": secrets["role's key secret"],
			"SecurityToken": secrets["role's token"], "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}}))
	}))
	t.Cleanup(sts.Close)
	identity := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(identity, []byte(secrets["identity token"]), 0o600); err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(http.HandlerFunc(awsSTS))
	t.Cleanup(aws.Close)
	federated := append(onLambda(aws.URL), "ALIBABA_CLOUD_ACCESS_KEY_ID=", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=", "ALIBABA_CLOUD_SECURITY_TOKEN=",
		"ALIBABA_CLOUD_ROLE_ARN=acs:ram::1234567890123456:role/tairssl", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN=acs:ram::1234567890123456:oidc-provider/aws")
	with := func(more ...string) awslambda.Handler { return s.over(append(slices.Clone(federated), more...)...) }
	wrongKey := []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + secrets["access key id"], "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + secrets["wrong key's secret"]}
	return map[string]awslambda.Handler{
		whole:                      s.over(),
		"a key that is wrong":      s.over(wrongKey...),
		"a key that is not known":  s.over("ALIBABA_CLOUD_ACCESS_KEY_ID="+secrets["role's token"], "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+secrets["wrong key's secret"]),
		"a role, by AWS":           with("TAIRSSL_STS_ENDPOINT=" + sts.URL),
		"a role, by a file":        with("TAIRSSL_STS_ENDPOINT="+sts.URL, "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+identity),
		"a role without trust":     with("TAIRSSL_STS_ENDPOINT="+talkative(401, "AuthenticationFail.NoPermission"), "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+identity),
		"an STS that is down":      with("TAIRSSL_STS_ENDPOINT="+talkative(503, ""), "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+identity),
		"AWS's STS that refuses":   with("AWS_ENDPOINT_URL_STS="+talkative(403, "AccessDenied"), "TAIRSSL_STS_ENDPOINT="+sts.URL),
		"AWS's STS, another key":   with("AWS_SECRET_ACCESS_KEY="+secrets["wrong key's secret"], "TAIRSSL_STS_ENDPOINT="+sts.URL),
		"a reference to nothing":   s.over("ALIBABA_CLOUD_ACCESS_KEY_SECRET=secretsmanager:tairssl/none#secret"),
		"credentials that panic":   lambda.Over(function.Options{Environ: s.environ, Log: channel{s.ears, "log"}, Transport: s.ears, Credentials: panics}),
		"every setting is wrong":   s.over(wrongSettings()...),
		"an endpoint with a user":  s.over("TAIRSSL_ENDPOINT=https://user:" + secrets["alert token"] + "@example.com"),
		"a name that is misspelt":  s.over("TAIRSSL_SLACK_SECRETS=" + secrets["slack"]),
		"the SDK's own debugging":  s.over("DEBUG=sdk"),
		"an API that is not there": s.over("TAIRSSL_ENDPOINT=http://127.0.0.1:9"),
	}
}

// converse sends a payload. If the answer has a confirmation code, it sends the code by
// every chat at once.
func (s *stage) converse(t *testing.T, f awslambda.Handler, payload []byte) {
	answer := s.invoke(f, payload)
	if code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(answer); code != nil {
		var chats errgroup.Group
		for _, k := range s.knocks(t, "confirm "+code[1], false)[6:] {
			chats.Go(func() error { s.invoke(f, k); return nil })
		}
		_ = chats.Wait() // the goroutines return no errors
	}
	s.work(f)
}

// calm uses every route once, one after the other.
func (s *stage) calm(t *testing.T, f awslambda.Handler) {
	t.Helper()
	for n := range s.knocks(t, "help", false) {
		s.converse(t, f, s.knocks(t, fmt.Sprintf("update r-chaos%04d", n), false)[n])
	}
	for n, fault := range []tairtest.Fault{{Action: "ModifyInstanceSSL", Kind: "cut_before", Times: 1}, {Action: "DescribeInstanceSSL", Kind: "throttle", Times: 1}} {
		if err := s.Fault(fault); err != nil {
			t.Error(err)
		}
		s.converse(t, f, fmt.Appendf(nil, `{"InstanceId":"r-chaos%04d","SSLEnabled":"Update"}`, 20+n))
	}
	s.converse(t, f, []byte(`{"Handed":"c29tZWJvZHkgbWFkZSB0aGlz"}`))
}

// storm sends the payloads to the functions, all at once and with faults.
func (s *stage) storm(t *testing.T, functions []map[string]awslambda.Handler, payloads [][]byte) {
	t.Helper()
	kinds := []string{"throttle", "server_error", "server_error_after", "cut_before", "cut_after", "malformed"}
	actions := []string{"ModifyInstanceSSL", "DescribeInstanceSSL", "DescribeInstanceAttribute", "DescribeInstances", "TagResources", "UntagResources", "DescribeActiveOperationTasks"}
	s.stormy.Store(true)
	var group errgroup.Group
	group.SetLimit(400)
	for _, payload := range payloads {
		for _, name := range slices.Sorted(maps.Keys(functions[0])) {
			if name != whole && s.chance.IntN(3) > 0 {
				continue // each faulty function gets a third of the payloads
			}
			if s.chance.IntN(40) == 0 {
				if err := s.Fault(tairtest.Fault{Action: actions[s.chance.IntN(len(actions))], Kind: kinds[s.chance.IntN(len(kinds))], Times: s.chance.IntN(3) + 1}); err != nil {
					t.Error(err)
				}
			}
			f := functions[s.chance.IntN(len(functions))][name]
			group.Go(func() error { s.converse(t, f, payload); return nil })
		}
	}
	_ = group.Wait() // the goroutines return no errors
}

// checkThatItWasChaos fails unless every channel was used and every outcome was seen.
func (s *stage) checkThatItWasChaos(t *testing.T) {
	t.Helper()
	heard := func(channel string) string { return fmt.Sprint(s.texts[channel]) }
	log, answers, told, replies := heard("log"), heard("answers"), heard("notifications"), heard("replies")
	for text, want := range map[*string][]string{
		&log:     {`"outcome":"accepted"`, `"outcome":"failed"`, `"outcome":"unknown"`, `"outcome":"unchanged"`, `"outcome":"planned"`, `"denied"`, `"cause":"panic`, `"faults"`, `"actor"`, `"throttled":1`, `"reply"`, `"trigger":"handed/`, `"handed":true`, `"error_type":"unauthorized"`, "SignatureDoesNotMatch", "AWS gave no identity token", "Alibaba did not accept the identity token"},
		&answers: {`"statusCode":401`, `"statusCode":200`, `"statusCode":202`, "confirm ", "batchItemFailures"},
		&told:    {"r-chaos", "Webhook-Signature"},
		&replies: {"Bearer", "confirm "},
	} {
		for _, w := range want {
			if !strings.Contains(*text, w) {
				t.Errorf("the chaos had no %s", w)
			}
		}
	}
	// The machine's load decides whether the change is already done.
	if !strings.Contains(replies, "Accepted: ") && !strings.Contains(replies, "Done: ") {
		t.Error("the chaos had no answer about the end of a change")
	}
}

// panics is a source of credentials that panics with a credential in its message.
func panics(context.Context) (tair.Credential, error) {
	panic(fmt.Sprintf("broken: %v", tair.Credential{AccessKeyID: secrets["access key id"], AccessKeySecret: secrets["access key secret"], SecurityToken: secrets["security token"]}))
}

// panicky logs the settings with %v, as careless code would.
func panicky(e *ears) {
	s, _, err := function.ParseSettings([]string{"TAIRSSL_SLACK_SIGNING_SECRETS=" + secrets["slack"], "TAIRSSL_CONFIRM_KEY=" + secrets["confirmation key"],
		"TAIRSSL_TEAMS_SECRETS=" + secrets["teams"], "TAIRSSL_WEBHOOK_SECRETS=" + secrets["standard webhooks"], "TAIRSSL_ALERT_BASIC=someone:" + secrets["alert password"],
		"TAIRSSL_FEISHU_VERIFICATION_TOKEN=" + secrets["feishu token"], "TAIRSSL_FEISHU_APP_SECRET=" + secrets["feishu app secret"],
		"TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T1/B1/" + secrets["slack's URL"]})
	e.hear("log", fmt.Sprintf("%v %+v %#v %v", s, s, s, err))
}

// wrongSettings puts a secret into each of many wrong settings.
func wrongSettings() (environ []string) {
	for name, secret := range map[string]string{
		"WEBHOOK_SECRETS": "whsec_!" + secrets["alert token"], "ALERT_BASIC": secrets["alert password"], "TEAMS_SECRETS": "%" + secrets["slack"],
		"GITHUB_SECRETS": secrets["github"] + ",,", "SLACK_SIGNING_SECRETS": secrets["slack"] + ",", "ALERT_TOKENS": "," + secrets["alert token"],
		"NOTIFY_URLS": "mail://example.com/" + secrets["slack's URL"], "STS_ENDPOINT": "ftp://user:" + secrets["grafana"] + "@example.com",
	} {
		environ = append(environ, "TAIRSSL_"+name+"="+secret)
	}
	return environ
}
