package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"tairssl/adapters/function"
	"tairssl/handler"
)

// deployment is CloudFormation's request for a custom resource. template.yaml has a custom
// resource for each function. So a deployment fails, and is rolled back, if a setting is
// wrong or a secret is unreadable.
//
// Source: AWS CloudFormation User Guide, "Custom resource request and response reference".
type deployment struct {
	RequestType, ResponseURL string
	resource
}

// resource holds the fields of the request that the answer repeats.
type resource struct {
	StackID   string `json:"StackId"`
	RequestID string `json:"RequestId"`
	LogicalID string `json:"LogicalResourceId"`
}

// verdict is the answer to a deployment.
type verdict struct {
	Status     string // SUCCESS or FAILED
	Reason     string `json:",omitempty"`
	PhysicalID string `json:"PhysicalResourceId"` // constant, so that CloudFormation never replaces the resource
	resource
}

// deploymentOf returns the deployment in a payload, or nil.
func deploymentOf(payload []byte) *deployment {
	var d deployment
	if !bytes.Contains(payload, []byte(`"ResponseURL"`)) || json.Unmarshal(payload, &d) != nil || d.StackID == "" || d.RequestType == "" {
		return nil
	}
	return &d
}

// answerHost matches the host names of CloudFormation's buckets for answers.
var answerHost = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^cloudformation-custom-resource-response-[a-z0-9]+\.s3([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?$`)
})

const (
	// maxReason is the largest reason in bytes. The whole answer may have 4096 bytes.
	maxReason     = 2000
	answerTimeout = 10 * time.Second
)

// deployed checks the settings and sends the result to CloudFormation. It checks nothing
// when the resource is deleted, because a deletion must not fail.
func (i invoker) deployed(ctx context.Context, d *deployment) ([]byte, error) {
	to, err := url.Parse(d.ResponseURL)
	if err != nil || to.Scheme != "https" || !answerHost().MatchString(to.Host) {
		return nil, &function.Failure{Type: string(handler.Invalid), Message: "the ResponseURL is not one of CloudFormation's"}
	}
	v := verdict{Status: "SUCCESS", PhysicalID: "settings", resource: d.resource}
	if d.RequestType != "Delete" {
		if err := i.Check(ctx); err != nil {
			v.Status, v.Reason = "FAILED", handler.ClipTo(err.Error(), maxReason)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, d.ResponseURL, bytes.NewReader(handler.JSON(v)))
	if err != nil {
		return nil, &function.Failure{Type: string(handler.Invalid), Message: "the ResponseURL cannot be used"}
	}
	resp, err := i.stacks.RoundTrip(req) // RoundTrip follows no redirect
	if err != nil {
		// The text of err holds the URL, which is signed.
		return nil, &function.Failure{Type: string(handler.Unavailable), Message: "could not send the answer to CloudFormation; a function in a VPC needs a NAT gateway"}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode != http.StatusOK {
		return nil, &function.Failure{Type: string(handler.Unavailable), Message: "CloudFormation refused the answer: status " + resp.Status}
	}
	return handler.JSON(map[string]string{"Status": v.Status}), nil
}
