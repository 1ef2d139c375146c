package localruntime_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
)

// The requests are from AWS's test suite for Signature Version 4 and from the IAM User
// Guide.
func TestPublishedSignaturesOfAWSAreRight(t *testing.T) {
	t.Parallel()
	const suite = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="
	key := localruntime.NewKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "")
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		method, url, body, contentType, service, authorization string
	}{
		"get-vanilla":                      {"GET", "https://example.amazonaws.com/", "", "", "service", suite + "host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"post-vanilla":                     {"POST", "https://example.amazonaws.com/", "", "", "service", suite + "host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"get-vanilla-query-order-key-case": {"GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", "", "", "service", suite + "host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		"post-x-www-form-urlencoded":       {"POST", "https://example.amazonaws.com/", "Param1=value1", "application/x-www-form-urlencoded", "service", suite + "content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		"of the guide": {"GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "", "application/x-www-form-urlencoded; charset=utf-8", "iam",
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
	} {
		request := func() *http.Request {
			r := httptest.NewRequest(test.method, test.url, strings.NewReader(test.body))
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			r.Header.Set("Authorization", test.authorization)
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			return r
		}
		if refused := localruntime.CheckSigV4(request(), []byte(test.body), key, "us-east-1", test.service, at); refused != nil {
			t.Errorf("%s is refused: %+v", name, *refused)
		}
		if refused := localruntime.CheckSigV4(request(), []byte(test.body+"x"), key, "us-east-1", test.service, at); refused == nil {
			t.Errorf("%s with another body is accepted", name)
		}
		if refused := localruntime.CheckSigV4(request(), []byte(test.body), key, "us-east-1", test.service, at.Add(5*time.Minute+time.Second)); refused == nil {
			t.Errorf("%s is accepted after five minutes", name)
		}
		unsigned := request()
		unsigned.Header.Set("X-Amz-Invocation-Type", "Event")
		if refused := localruntime.CheckSigV4(unsigned, []byte(test.body), key, "us-east-1", test.service, at); refused == nil {
			t.Errorf("%s with an unsigned header of AWS is accepted", name)
		}
	}
}

// alibaba-cloud-sdk-go 1.63.107 signed this request.
func TestSignaturesOfAlibabaCloudsOwnClientAreRight(t *testing.T) {
	t.Parallel()
	const body = `{"Handed":"x"}`
	key := localruntime.NewKey("id", "secret", "token")
	at := time.Date(2026, 11, 26, 18, 35, 3, 0, time.UTC)
	for name, test := range map[string]struct {
		spoil func(*http.Request)
		body  string
		at    time.Time
		right bool
	}{
		"as it was sent":      {func(*http.Request) {}, body, at, true},
		"another body":        {func(*http.Request) {}, body + " ", at, false},
		"another path":        {func(r *http.Request) { r.URL.Path += "x" }, body, at, false},
		"another query":       {func(r *http.Request) { r.URL.RawQuery = "" }, body, at, false},
		"a header more":       {func(r *http.Request) { r.Header.Set("X-Acs-Action", "x") }, body, at, false},
		"another method":      {func(r *http.Request) { r.Method = "PUT" }, body, at, false},
		"another token":       {func(r *http.Request) { r.Header.Set("X-Acs-Security-Token", "x") }, body, at, false},
		"another key":         {func(r *http.Request) { r.Header.Set("Authorization", "acs x:74uHke/mIWTjMmncP8VdMrayiGg=") }, body, at, false},
		"no signature":        {func(r *http.Request) { r.Header.Set("Authorization", "acs id") }, body, at, false},
		"a quarter later":     {func(*http.Request) {}, body, at.Add(15*time.Minute + time.Second), false},
		"some minutes before": {func(*http.Request) {}, body, at.Add(-14 * time.Minute), true},
	} {
		r := httptest.NewRequest("POST", "http://127.0.0.1/2023-03-30/functions/tairssl/invocations?qualifier=LATEST", strings.NewReader(test.body))
		for name, value := range map[string]string{
			"Accept": "application/json", "Content-MD5": "ltytgpF43b9d1dcuvUckxw==", "Content-Type": "application/json", "Date": "Thu, 26 Nov 2026 18:35:03 GMT",
			"x-acs-credentials-provider": "static_sts", "x-acs-security-token": "token", "x-acs-signature-method": "HMAC-SHA1",
			"x-acs-signature-version": "1.0", "x-acs-version": "2023-03-30", "x-fc-invocation-type": "Async",
			"Authorization": "acs id:74uHke/mIWTjMmncP8VdMrayiGg=",
		} {
			r.Header.Set(name, value)
		}
		test.spoil(r)
		if refused := localruntime.CheckACS(r, []byte(test.body), key, test.at); (refused == nil) != test.right {
			t.Errorf("%s: the refusal is %+v, want one: %v", name, refused, !test.right)
		}
	}
}

func TestEnvironmentOfAFunction(t *testing.T) {
	t.Parallel()
	const endpoint = "http://127.0.0.1:1"
	for name, test := range map[string]struct {
		cloud localruntime.Cloud
		o     localruntime.Options
		want  map[string]string // "" for a variable that must not be set
	}{
		"Lambda, nothing given": {localruntime.Lambda, localruntime.Options{}, map[string]string{
			"TAIRSSL_INVOKE_ENDPOINT": endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE", "AWS_SESSION_TOKEN": "local-session-token",
			"AWS_LAMBDA_RUNTIME_API": "its-runtime-api", "AWS_LAMBDA_FUNCTION_NAME": "tairssl", "FC_RUNTIME_API": ""}},
		"Lambda in a region": {localruntime.Lambda, localruntime.Options{Region: "eu-west-1"}, map[string]string{"AWS_REGION": "eu-west-1"}},
		"Lambda, a key given": {localruntime.Lambda, localruntime.Options{Region: "eu-west-1", Env: []string{"AWS_REGION=eu-north-1", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret"}},
			map[string]string{"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": ""}},
		"Lambda, half a key given": {localruntime.Lambda, localruntime.Options{Env: []string{"AWS_ACCESS_KEY_ID=id"}}, map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": ""}},
		"Lambda, a token given":    {localruntime.Lambda, localruntime.Options{Env: []string{"AWS_SESSION_TOKEN=session"}}, map[string]string{"AWS_SESSION_TOKEN": "session"}},
		"Lambda, an endpoint given": {localruntime.Lambda, localruntime.Options{Env: []string{"TAIRSSL_INVOKE_ENDPOINT=https://example.com"}},
			map[string]string{"TAIRSSL_INVOKE_ENDPOINT": "https://example.com"}},
		"Lambda, AWS's own variable given": {localruntime.Lambda, localruntime.Options{Env: []string{"AWS_ENDPOINT_URL_LAMBDA=https://example.com"}}, map[string]string{"TAIRSSL_INVOKE_ENDPOINT": ""}},
		"Function Compute": {localruntime.FC, localruntime.Options{Env: []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=id", "AWS_ENDPOINT_URL_LAMBDA=https://example.com"}}, map[string]string{
			"TAIRSSL_INVOKE_ENDPOINT": endpoint, "FC_REGION": "cn-hangzhou", "FC_ACCOUNT_ID": "1234567890123456", "FC_RUNTIME_API": "its-runtime-api",
			"ALIBABA_CLOUD_ACCESS_KEY_ID": "", "AWS_REGION": "", "AWS_ACCESS_KEY_ID": ""}},
		"Function Compute, an endpoint given": {localruntime.FC, localruntime.Options{Env: []string{"TAIRSSL_INVOKE_ENDPOINT=https://example.com"}, Region: "cn-beijing"},
			map[string]string{"TAIRSSL_INVOKE_ENDPOINT": "https://example.com", "FC_REGION": "cn-beijing"}},
	} {
		got := localruntime.Environment(test.cloud, test.o, endpoint)
		for variable, want := range test.want {
			if got[variable] != want {
				t.Errorf("%s: %s is %q, want %q", name, variable, got[variable], want)
			}
		}
	}
}
