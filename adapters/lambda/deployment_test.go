package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"tairssl/adapters/lambda"
)

// bucket receives the answers to CloudFormation.
type bucket struct {
	status int
	host   string
	put    map[string]string
}

func (b *bucket) RoundTrip(r *http.Request) (*http.Response, error) {
	b.host = r.URL.Host
	body, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodPut || json.Unmarshal(body, &b.put) != nil {
		b.status = http.StatusBadRequest
	}
	return &http.Response{StatusCode: b.status, Status: http.StatusText(b.status), Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

const answerHere = "https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/arn%3Aaws%3Acloudformation?X-Amz-Signature=signed"

func deployment(kind, url string) []byte {
	return []byte(`{"RequestType":"` + kind + `","ServiceToken":"arn:aws:lambda:eu-west-1:1:function:tairssl","ResponseURL":"` + url + `","StackId":"arn:aws:cloudformation:eu-west-1:1:stack/tairssl/guid",
		"RequestId":"unique","LogicalResourceId":"FunctionCheck","ResourceType":"Custom::SettingsCheck","ResourceProperties":{"Given":"a|b"}}`)
}

// A deployment fails only if settings are wrong, and the reason names them. A deletion
// never fails.
func TestADeploymentFailsIfSettingsAreWrong(t *testing.T) {
	for name, test := range map[string]struct {
		kind, setting, want, reason string
	}{
		"right settings":           {"Create", "TAIRSSL_RATE=20", "SUCCESS", ""},
		"a wrong setting":          {"Create", "TAIRSSL_RATE=fast", "FAILED", "TAIRSSL_RATE"},
		"a secret out of reach":    {"Update", "TAIRSSL_SECRETS=file:/nowhere", "FAILED", "TAIRSSL_SECRETS: the file cannot be read"},
		"no JSON":                  {"Update", "TAIRSSL_SETTINGS=hunter2", "FAILED", "TAIRSSL_SETTINGS: want a JSON object"},
		"a deletion":               {"Delete", "TAIRSSL_RATE=fast", "SUCCESS", ""},
		"a reason beyond measures": {"Create", "TAIRSSL_INSTANCES=" + strings.Repeat("r-[,", 2000) + "r-[", "FAILED", "TAIRSSL_INSTANCES"},
	} {
		b, log := &bucket{status: http.StatusOK}, &bytes.Buffer{}
		_, err := lambda.Deployed([]string{test.setting}, log, b).Invoke(context.Background(), deployment(test.kind, answerHere))
		if err != nil || b.put["Status"] != test.want || !strings.Contains(b.put["Reason"], test.reason) || test.want == "SUCCESS" && b.put["Reason"] != "" {
			t.Errorf("%s: the deployment is answered %v, %v", name, b.put, err)
		}
		if b.put["StackId"] != "arn:aws:cloudformation:eu-west-1:1:stack/tairssl/guid" || b.put["RequestId"] != "unique" || b.put["LogicalResourceId"] != "FunctionCheck" || b.put["PhysicalResourceId"] == "" {
			t.Errorf("%s: the answer does not name its request: %v", name, b.put)
		}
		if size, _ := json.Marshal(b.put); len(size) > 4096 {
			t.Errorf("%s: the answer has %d bytes, but CloudFormation takes 4096", name, len(size))
		}
		if strings.Contains(b.put["Reason"]+log.String(), "hunter2") || strings.Contains(log.String(), "X-Amz-Signature") {
			t.Errorf("%s: a secret is in the answer or the log: %v\n%s", name, b.put, log)
		}
	}
}

// The answer goes to CloudFormation only, whatever URL an event has.
func TestADeploymentIsAnsweredToCloudFormationOnly(t *testing.T) {
	for _, url := range []string{
		"https://example.com/x", "http://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com/x",
		"https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com.example.com/x",
		"https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com@example.com/x",
		"https://evil-cloudformation-custom-resource-response-x.s3.amazonaws.com/x",
		"https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com:8443/x", "://", "",
	} {
		b := &bucket{status: http.StatusOK}
		_, err := lambda.Deployed(nil, io.Discard, b).Invoke(context.Background(), deployment("Create", url))
		if err == nil || b.put != nil {
			t.Errorf("the answer went to %q (%s), %v", url, b.host, err)
		}
	}
	for _, host := range []string{"useast1.s3.amazonaws.com", "euwest1.s3-eu-west-1.amazonaws.com", "eucentral1.s3.eu-central-1.amazonaws.com", "cnnorth1.s3.cn-north-1.amazonaws.com.cn"} {
		b := &bucket{status: http.StatusOK}
		if _, err := lambda.Deployed(nil, io.Discard, b).Invoke(context.Background(), deployment("Create", "https://cloudformation-custom-resource-response-"+host+"/x?y=z")); err != nil || b.put == nil {
			t.Errorf("no answer went to %s: %v", host, err)
		}
	}
}

// Lambda repeats an invocation that ends with an error.
func TestADeploymentWithoutAnAnswerIsTriedAgain(t *testing.T) {
	_, err := lambda.Deployed(nil, io.Discard, &bucket{status: http.StatusServiceUnavailable}).Invoke(context.Background(), deployment("Create", answerHere))
	if err == nil || strings.Contains(err.Error(), "X-Amz-Signature") {
		t.Errorf("the invocation ends %v", err)
	}
}

// A deployment within a carrier is not recognised.
func TestADeploymentIsAWholePayload(t *testing.T) {
	b := &bucket{status: http.StatusOK}
	body, _ := json.Marshal(string(deployment("Create", answerHere)))
	_, _ = lambda.Deployed(nil, io.Discard, b).Invoke(context.Background(), []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":`+string(body)+`}]}`))
	if b.put != nil {
		t.Errorf("a message of a queue was answered to %s", b.host)
	}
}
