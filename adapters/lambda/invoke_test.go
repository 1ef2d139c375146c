package lambda_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/lambda"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// invokeAPI is Lambda's own API. It queues correctly signed calls and refuses any other
// call as AWS does.
type invokeAPI struct{ queued []string }

func (a *invokeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.String(), bytes.NewReader(body))
	again.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	again.Header.Set("X-Amz-Invocation-Type", r.Header.Get("X-Amz-Invocation-Type"))
	hash := sha256.Sum256(body)
	_ = v4.NewSigner().SignHTTP(r.Context(), awsKey, again, hex.EncodeToString(hash[:]), "lambda", "eu-west-1", at)
	switch {
	case r.Header.Get("Authorization") != again.Header.Get("Authorization") || r.Header.Get("X-Amz-Security-Token") != awsKey.SessionToken:
		lambdaRefuses(403, "InvalidSignatureException")(w, r)
	case r.Method != http.MethodPost || r.URL.String() != "/2015-03-31/functions/tairssl-webhooks/invocations":
		lambdaRefuses(404, "ResourceNotFoundException")(w, r)
	case r.Header.Get("X-Amz-Invocation-Type") != "Event":
		lambdaRefuses(400, "InvalidParameterValueException")(w, r)
	default:
		a.queued = append(a.queued, string(body))
		w.WriteHeader(http.StatusAccepted)
	}
}

func lambdaRefuses(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code+":http://internal.amazon.com/coral/")
		w.Header().Set("X-Amzn-Requestid", "c6104cbe")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"Type":"User","Message":"User: arn:aws:sts::1:assumed-role/x is not authorized, x-amz-security-token:`+awsKey.SessionToken+`"}`)
	}
}

func inLambda(endpoint string) []string {
	return []string{"AWS_REGION=eu-west-1", "AWS_LAMBDA_FUNCTION_NAME=tairssl-webhooks", "AWS_ACCESS_KEY_ID=" + awsKey.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + awsKey.SecretAccessKey, "AWS_SESSION_TOKEN=" + awsKey.SessionToken, "AWS_ENDPOINT_URL_LAMBDA=" + endpoint}
}

// The whole way: a code confirmed in Slack, Lambda's own API, an asynchronous invocation,
// a renewed certificate, and an answer in Slack.
func TestAChangeConfirmedInSlackIsMadeAfterTheAnswer(t *testing.T) {
	api := &invokeAPI{}
	server := httptest.NewServer(api)
	defer server.Close()
	e, endpoint := tairtest.Start(t, tairtest.Options{Lag: -1, ChangeTime: -1}, tairtest.SampleFleet(time.Now())...)
	log, posts := &bytes.Buffer{}, &mailbox{}
	f := lambda.Over(function.Options{Log: log, Transport: posts, Environ: append(inLambda(server.URL), "TAIRSSL_ENDPOINT="+endpoint, "TAIRSSL_LEASE_PAUSE=1ms",
		"TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret")})
	say := func(text string) string {
		form := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {"https://hooks.slack.com/commands/secret"}}.Encode()
		header := chatops.SignSlack("slack-secret", time.Now(), []byte(form))
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := f.Invoke(context.Background(), knock("/slack", header, form))
		var response struct {
			StatusCode int
			Body       string
		}
		if err != nil || json.Unmarshal(answer, &response) != nil || response.StatusCode != 200 {
			t.Fatalf("%s is answered %s, %v", text, answer, err)
		}
		return response.Body
	}
	code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(say("update r-bp1zxszhcgatnx01"))[1]
	if answer := say("confirm " + code); !strings.Contains(answer, "Started: update r-bp1zxszhcgatnx01. I will report the result here.") {
		t.Fatalf("confirm is answered %s", answer)
	}
	if i, _ := e.Instance("r-bp1zxszhcgatnx01"); i.Restarts != 0 || len(api.queued) != 1 {
		t.Fatalf("%d payloads are queued after %d restarts", len(api.queued), i.Restarts)
	}
	if answer, err := f.Invoke(context.Background(), []byte(api.queued[0])); err != nil || string(answer) != "{}" {
		t.Errorf("the work is answered %s, %v", answer, err)
	}
	if i, _ := e.Instance("r-bp1zxszhcgatnx01"); i.Restarts != 1 || len(posts.bodies) != 1 || !strings.Contains(posts.bodies[0], "Done: ") {
		t.Errorf("after %d restarts people were told %v", i.Restarts, posts.bodies)
	}
	// In a record of a queue, handed work is refused and not returned to the queue.
	for _, payload := range [][]byte{sqs(api.queued[0]), handler.JSON(map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]string{"Message": api.queued[0]}}}})} {
		log.Reset()
		answer, err := f.Invoke(context.Background(), payload)
		if err != nil || !strings.Contains(log.String(), "only from an asynchronous invocation of the function") || strings.Contains(string(answer), "m0") || len(posts.bodies) != 1 {
			t.Errorf("in a record it is answered %s, %v:\n%s", answer, err, log)
		}
	}
}

// mailbox keeps the messages to people.
type mailbox struct{ bodies []string }

func (m *mailbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	m.bodies = append(m.bodies, string(body))
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("ok")), Header: http.Header{}}, nil
}

func TestInvokeSignsItsRequest(t *testing.T) {
	api := &invokeAPI{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLEKEYID/20261124/eu-west-1/lambda/aws4_request"; !strings.HasPrefix(r.Header.Get("Authorization"), want) {
			t.Errorf("signed %q, want %q…", r.Header.Get("Authorization"), want)
		}
		api.ServeHTTP(w, r)
	}))
	defer server.Close()
	own, _ := url.Parse(server.URL)
	for name, test := range map[string]struct {
		environ []string
		api     function.InvokeAPI
	}{
		"by AWS's variable": {inLambda(server.URL), function.InvokeAPI{}},
		"by the setting":    {inLambda("http://127.0.0.1:9"), function.InvokeAPI{Endpoint: own}},
	} {
		if err := lambda.Invoke(test.environ, func() time.Time { return signedAt })(t.Context(), test.api, []byte(`{"Handed":"x"}`)); err != nil {
			t.Errorf("%s: it fails with %v", name, err)
		}
	}
	if len(api.queued) != 2 || api.queued[0] != `{"Handed":"x"}` {
		t.Errorf("there is queued %q", api.queued)
	}
}

func TestInvocationsThatAreRefusedSayWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		serve     http.HandlerFunc
		kind      handler.Kind
		code      string
		says      string
		uncertain bool
	}{
		"not allowed":      {lambdaRefuses(403, "AccessDeniedException"), handler.Forbidden, "AccessDeniedException", "allow lambda:InvokeFunction on the function tairssl-webhooks to its own role", false},
		"no such function": {lambdaRefuses(404, "ResourceNotFoundException"), handler.NotFound, "ResourceNotFoundException", "AWS_LAMBDA_FUNCTION_NAME", false},
		"another key":      {lambdaRefuses(403, "InvalidSignatureException"), handler.Forbidden, "InvalidSignatureException", "the clock", false},
		"an old session":   {lambdaRefuses(403, "ExpiredTokenException"), handler.Unavailable, "ExpiredTokenException", "restart", false},
		"too many":         {lambdaRefuses(429, "TooManyRequestsException"), handler.Throttled, "TooManyRequestsException", "too many", false},
		"something new":    {lambdaRefuses(400, "SomethingNew"), handler.Unavailable, "SomethingNew", "status 400", false},
		"down":             {lambdaRefuses(500, "ServiceException"), handler.Unavailable, "ServiceException", "status 500", true},
		"a proxy's page":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, handler.Forbidden, "", "allow lambda:InvokeFunction", false},
		"not asynchronous": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, handler.Unavailable, "", "status 200", true},
		"cut":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, handler.Unavailable, "", "no answer", true},
		"sent somewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
		}, handler.Unavailable, "", "status 307", true},
	} {
		server := httptest.NewServer(test.serve)
		err := lambda.Invoke(inLambda(server.URL), time.Now)(t.Context(), function.InvokeAPI{}, []byte(`{"Handed":"x"}`))
		server.Close()
		var e *handler.Error
		if !errors.As(err, &e) || e.Kind != test.kind || e.Code != test.code || !strings.Contains(e.Message, test.says) || e.Uncertain != test.uncertain {
			t.Errorf("%s: fails with %v, uncertain %t", name, err, e != nil && e.Uncertain)
			continue
		}
		if text := e.Error() + e.RequestID + errorText(e.Err); strings.Contains(text, awsKey.SessionToken) || strings.Contains(text, awsKey.SecretAccessKey) {
			t.Errorf("%s: the error shows the key: %s", name, text)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestInvokeSettings(t *testing.T) {
	for _, test := range []struct{ setting, says string }{
		{"AWS_REGION=", "AWS_REGION"}, {"AWS_LAMBDA_FUNCTION_NAME=", "AWS_LAMBDA_FUNCTION_NAME"}, {"AWS_SECRET_ACCESS_KEY=", "AWS_SECRET_ACCESS_KEY"},
		{"AWS_ENDPOINT_URL_LAMBDA=http://lambda.eu-west-1.amazonaws.com", "AWS_ENDPOINT_URL_LAMBDA"},
	} {
		err := lambda.Invoke(append(inLambda("http://127.0.0.1:9"), test.setting), time.Now)(t.Context(), function.InvokeAPI{}, nil)
		if e := handler.AsError(err); e.Kind != handler.Internal || e.Uncertain || !strings.Contains(e.Message, test.says) {
			t.Errorf("with %s it fails with %v", test.setting, err)
		}
	}
	// Nobody listens at this address, so surely nothing was queued.
	err := lambda.Invoke(inLambda("http://127.0.0.1:9"), time.Now)(t.Context(), function.InvokeAPI{}, nil)
	if e := handler.AsError(err); e.Kind != handler.Unavailable || e.Uncertain || e.Err == nil {
		t.Errorf("without a listener it fails with %v, uncertain %t", err, e.Uncertain)
	}
}

// A request of API Gateway is answered within the gateway's time limit. The function
// itself may run longer.
func TestAPIGatewayIsAnsweredWhileItWaits(t *testing.T) {
	const body = `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`
	signature := webhook.SignGitHub("git-secret", []byte(body)).Get("X-Hub-Signature-256")
	for gateway, most := range map[string]time.Duration{
		`{"domainName":"abc.execute-api.eu-west-1.amazonaws.com","http":{"method":"POST"}}`: 28 * time.Second,
		`{"domainName":"abc.lambda-url.eu-west-1.on.aws","http":{"method":"POST"}}`:         time.Hour,
		`{"elb":{}}`: time.Hour,
	} {
		var left atomic.Int64 // two reads of an instance ask at once
		f := lambda.Over(function.Options{Environ: []string{"TAIRSSL_GITHUB_SECRETS=git-secret"}, Credentials: func(ctx context.Context) (tair.Credential, error) {
			deadline, _ := ctx.Deadline()
			left.Store(int64(time.Until(deadline)))
			return tair.Credential{}, handler.Errorf(handler.Forbidden, "none here")
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		payload := handler.JSON(map[string]any{"httpMethod": "POST", "path": "/ssl", "rawPath": "/ssl", "body": body, "requestContext": json.RawMessage(gateway),
			"headers": map[string]string{"content-type": "application/json", "x-hub-signature-256": signature}})
		answer, err := f.Invoke(ctx, payload)
		cancel()
		if err != nil || !strings.Contains(string(answer), "none here") || time.Duration(left.Load()) > most || time.Duration(left.Load()) < most/2 {
			t.Errorf("%s: of an hour %s are left, want %s: %s, %v", gateway, time.Duration(left.Load()), most, answer, err)
		}
	}
}
