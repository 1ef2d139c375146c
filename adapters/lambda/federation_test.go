package lambda_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"tairssl/adapters/lambda"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

func TestMain(m *testing.M) {
	startInterpreter()
	goleak.VerifyTestMain(m,
		// The function keeps its connections between invocations.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

var (
	signedAt = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	awsKey   = aws.Credentials{AccessKeyID: "ASIAEXAMPLEKEYID", SecretAccessKey: "aws/secret+key", SessionToken: "IQoJb3JpZ2luX2VjE+session/token=="}
)

const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhcm46YXdzIn0.c2ln"

func onLambda(sts string) []string {
	return []string{"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=" + awsKey.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + awsKey.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + awsKey.SessionToken, "AWS_ENDPOINT_URL_STS=" + sts}
}

// awsSTS answers a correctly signed request with a token, and refuses any other request as
// AWS does.
func awsSTS(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.String(), bytes.NewReader(body))
	again.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	hash := sha256.Sum256(body)
	_ = v4.NewSigner().SignHTTP(r.Context(), awsKey, again, hex.EncodeToString(hash[:]), "sts", "eu-west-1", at)
	switch {
	case r.Header.Get("Authorization") != again.Header.Get("Authorization"):
		awsRefusal(403, "SignatureDoesNotMatch")(w, r)
	case r.PostFormValue("Action") != "GetWebIdentityToken" || r.PostFormValue("Version") != "2011-06-15":
		awsRefusal(400, "InvalidAction")(w, r)
	case r.PostFormValue("SigningAlgorithm") != "RS256" || r.PostFormValue("DurationSeconds") != "300" || r.PostFormValue("Audience.member.1") == "":
		awsRefusal(400, "ValidationError")(w, r)
	default:
		_, _ = fmt.Fprintf(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult><Expiration>2026-11-24T12:05:00Z</Expiration><WebIdentityToken>%s</WebIdentityToken></GetWebIdentityTokenResult><ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>`,
			jwt+"."+r.PostFormValue("Audience.member.1"))
	}
}

func awsRefusal(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>AWS's own words, x-amz-security-token:%s.</Message></Error><RequestId>c6104cbe</RequestId></ErrorResponse>`, code, awsKey.SessionToken)
	}
}

func source(t *testing.T, serve http.HandlerFunc, environ ...string) tair.TokenSource {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return lambda.Federation(append(onLambda(server.URL), environ...), func() time.Time { return signedAt })("sts.aliyuncs.com", nil)
}

func mustRefuse(t *testing.T, token tair.TokenSource, kind handler.Kind, says string) *handler.Error {
	t.Helper()
	_, err := token(context.Background())
	var e *handler.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.HasPrefix(e.Message, "AWS gave no identity token: ") || !strings.Contains(e.Message, says) {
		t.Fatalf("failed with %v, want %s and %q in it", err, kind, says)
	}
	if strings.Contains(fmt.Sprint(e, e.Err), awsKey.SessionToken) || strings.Contains(fmt.Sprint(e, e.Err), awsKey.SecretAccessKey) {
		t.Errorf("the error shows the key: %v", err)
	}
	return e
}

func TestFederationSignsItsRequest(t *testing.T) {
	token := source(t, func(w http.ResponseWriter, r *http.Request) {
		if want := "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLEKEYID/20261124/eu-west-1/sts/aws4_request"; !strings.HasPrefix(r.Header.Get("Authorization"), want) {
			t.Errorf("signed %q, want %q…", r.Header.Get("Authorization"), want)
		}
		awsSTS(w, r)
	})
	if got, err := token(context.Background()); err != nil || got != jwt+".sts.aliyuncs.com" {
		t.Errorf("gave %q, %v", got, err)
	}
	mustRefuse(t, source(t, awsSTS, "AWS_SECRET_ACCESS_KEY=another-secret-key"), handler.Forbidden, "the signature is wrong")
}

func TestFederationRefusalsSayWhatToDo(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		kind   handler.Kind
		says   string
	}{
		{403, "OutboundWebIdentityFederationDisabledException", handler.Forbidden, "aws iam enable-outbound-web-identity-federation"},
		{403, "OutboundWebIdentityFederationDisabled", handler.Forbidden, "aws iam enable-outbound-web-identity-federation"},
		{403, "AccessDenied", handler.Forbidden, "sts:GetWebIdentityToken"},
		{400, "JWTPayloadSizeExceededException", handler.Forbidden, "tags"},
		{403, "RegionDisabledException", handler.Forbidden, "activate STS"},
		{400, "ValidationError", handler.Forbidden, "TAIRSSL_OIDC_AUDIENCE"},
		{400, "InvalidAction", handler.Forbidden, "regional"},
		{403, "InvalidClientTokenId", handler.Forbidden, "AWS_SESSION_TOKEN"},
		{403, "ExpiredToken", handler.Unavailable, "restart"},
		{403, "SessionDurationEscalationException", handler.Unavailable, "restart"},
		{400, "Throttling", handler.Throttled, "own words"},
		{403, "SomethingNew", handler.Forbidden, "own words"},
		{429, "SomethingNew", handler.Throttled, "own words"},
		{503, "ServiceUnavailable", handler.Unavailable, "own words"},
	} {
		t.Run(test.code, func(t *testing.T) {
			e := mustRefuse(t, source(t, awsRefusal(test.status, test.code)), test.kind, test.says)
			if e.Code != test.code || e.RequestID != "c6104cbe" {
				t.Errorf("keeps code %q and request id %q", e.Code, e.RequestID)
			}
		})
	}
}

func TestFederationUnusableAnswersFail(t *testing.T) {
	body := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status); _, _ = io.WriteString(w, body) }
	}
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		says  string
	}{
		"no token":        {body(200, "<GetWebIdentityTokenResponse/>"), "an unexpected form"},
		"no XML":          {body(200, `{"a":1}`), "an unexpected form"},
		"proxy's page":    {body(502, "<html>"), "status 502"},
		"proxy's refusal": {body(403, "<html>"), "status 403"},
		"endless":         {body(200, strings.Repeat("x", 1<<20)), "longer than"},
		"cut":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"sends it further": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example.com/", http.StatusTemporaryRedirect)
		}, "status 307"},
	} {
		t.Run(name, func(t *testing.T) { mustRefuse(t, source(t, test.serve), handler.Unavailable, test.says) })
	}
}

func TestFederationSettings(t *testing.T) {
	for _, test := range []struct{ setting, says string }{
		{"AWS_REGION=", "AWS_REGION"},
		{"AWS_REGION=evil.example.com/", "AWS_REGION"},
		{"AWS_ENDPOINT_URL_STS=http://sts.eu-west-1.amazonaws.com", "AWS_ENDPOINT_URL_STS"},
		{"AWS_SECRET_ACCESS_KEY=", "AWS_SECRET_ACCESS_KEY"},
	} {
		mustRefuse(t, source(t, awsSTS, test.setting), handler.Forbidden, test.says)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := source(t, awsSTS)(ctx); !errors.Is(err, handler.Unavailable) || !strings.Contains(err.Error(), "ran out") {
		t.Errorf("an invocation without time ends with %v", err)
	}
}

// The whole way without a long-lived key: Lambda's role, AWS's token, Alibaba's temporary
// key, a renewed certificate.
func TestCertificateIsRenewedWithoutALongLivedKey(t *testing.T) {
	aws := httptest.NewServer(http.HandlerFunc(awsSTS))
	defer aws.Close()
	var exchanges atomic.Int64
	alibaba := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		exchanges.Add(1)
		if r.URL.Query().Get("Action") != "AssumeRoleWithOIDC" || r.PostFormValue("OIDCToken") != jwt+".sts.aliyuncs.com" || r.PostFormValue("RoleArn") != "acs:ram::1234567890123456:role/tairssl" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"RequestId":"3D57EAD2","Code":"AuthenticationFail.NoPermission","Message":"There is no permission"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"Credentials":{"AccessKeyId":"STS.temporary","AccessKeySecret":"temporary-secret","SecurityToken":"temporary-token","Expiration":%q}}`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer alibaba.Close()
	e, url := tairtest.Start(t, tairtest.Options{Keys: map[string]string{"STS.temporary": "temporary-secret"}, Lag: -1, ChangeTime: -1}, tairtest.SampleFleet(time.Now())...)
	log := &bytes.Buffer{}
	environ := append(onLambda(aws.URL), "TAIRSSL_ENDPOINT="+url, "TAIRSSL_STS_ENDPOINT="+alibaba.URL, "TAIRSSL_LEASE_PAUSE=1ms",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=",
		"ALIBABA_CLOUD_ROLE_ARN=acs:ram::1234567890123456:role/tairssl", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN=acs:ram::1234567890123456:oidc-provider/aws")
	f := lambda.New(environ, log)
	request := []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","Wait":"10s"}`)
	before, _ := e.Instance("r-bp1zxszhcgatnx01")
	for n, want := range []handler.Outcome{handler.Verified, handler.Unchanged} {
		answer, err := f.Invoke(context.Background(), request)
		var r handler.Result
		if err != nil || json.Unmarshal(answer, &r) != nil || r.Outcome != want {
			t.Fatalf("invocation %d is answered %s, %v; want %s", n, answer, err, want)
		}
	}
	after, _ := e.Instance("r-bp1zxszhcgatnx01")
	if after.Restarts != 1 || after.SSLExpiredTime <= before.SSLExpiredTime || exchanges.Load() != 1 {
		t.Errorf("%d restarts, from %s to %s, by %d exchanges", after.Restarts, before.SSLExpiredTime, after.SSLExpiredTime, exchanges.Load())
	}
	for _, secret := range []string{awsKey.SecretAccessKey, awsKey.SessionToken, jwt, "temporary-secret", "temporary-token"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}

	// With the trust of another role, the answer names the cloud that refused, and gives
	// advice.
	f = lambda.New(append(environ, "ALIBABA_CLOUD_ROLE_ARN=acs:ram::1234567890123456:role/other"), log)
	answer, err := f.Invoke(context.Background(), request)
	var r handler.Result
	if err != nil || json.Unmarshal(answer, &r) != nil || r.Error == nil || r.Error.Kind != handler.Forbidden || !strings.Contains(r.Error.Message, "Alibaba did not accept the identity token") {
		t.Errorf("a role without trust is answered %s, %v", answer, err)
	}
}
