package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"tairssl/adapters/function"
	"tairssl/handler"
)

// invoke starts an asynchronous invocation of the running function. It uses the credential
// of the function's role, which needs lambda:InvokeFunction on the function. Source: AWS
// Lambda API Reference, Invoke, version 2015-03-31, InvocationType Event.
func invoke(environ []string, now func() time.Time) function.Invoke {
	role := roleOf(environ, now)
	name := role.get("AWS_LAMBDA_FUNCTION_NAME")
	return func(ctx context.Context, api function.InvokeAPI, payload []byte) error {
		endpoint, err := role.endpoint("lambda", api.Endpoint)
		if err == nil && name == "" {
			err = errors.New("AWS_LAMBDA_FUNCTION_NAME is not set; Lambda sets it")
		}
		if err != nil {
			return notInvoked(handler.Internal, "%v", err)
		}
		called, query := name, ""
		if alias := aliasOf(ctx); alias != "" {
			called, query = name+":"+alias, "?Qualifier="+url.QueryEscape(alias)
		}
		connected := false
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
		req, err := http.NewRequestWithContext(traced, http.MethodPost,
			endpoint.Scheme+"://"+endpoint.Host+"/2015-03-31/functions/"+url.PathEscape(name)+"/invocations"+query, bytes.NewReader(payload))
		if err != nil {
			return notInvoked(handler.Internal, "the endpoint cannot be used")
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Amz-Invocation-Type", "Event")
		if err := role.sign(req, payload, "lambda"); err != nil {
			return notInvoked(handler.Internal, "the call cannot be signed")
		}
		resp, err := newTransport(api.Roots).RoundTrip(req) // RoundTrip follows no redirect
		if err != nil {
			e := notInvoked(handler.Unavailable, "no answer from %s; a function in a VPC needs a NAT gateway, or an endpoint of Lambda", endpoint.Host)
			e.Uncertain, e.Err = connected, errors.New(role.key.Redact(err.Error()))
			return e
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode == http.StatusAccepted {
			return nil
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // a body that is cut off has no message
		e := declined(resp, body, called)
		e.Code, e.RequestID = role.key.Redact(e.Code), role.key.Redact(resp.Header.Get("X-Amzn-Requestid"))
		if e.Err != nil {
			e.Err = errors.New(role.key.Redact(e.Err.Error()))
		}
		return e
	}
}

// aliasOf returns the alias or version in the ARN by which the function was invoked, or
// "". Work is handed over to the same alias, because the role may be allowed to invoke
// only the alias, and because the alias selects the version that should run.
func aliasOf(ctx context.Context) string {
	c, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return ""
	}
	// arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS
	parts := strings.SplitN(c.InvokedFunctionArn, ":", 8)
	if len(parts) < 8 {
		return ""
	}
	return parts[7]
}

func notInvoked(kind handler.Kind, format string, args ...any) *handler.Error {
	return handler.Errorf(kind, "AWS Lambda did not take the work: "+format, args...)
}

// invokeCodes gives the meaning of the error codes of Invoke. %s stands for the function.
// Sources: the errors of Invoke, and the errors that all of AWS's APIs share.
var invokeCodes = []awsCode{
	{[]string{"AccessDenied"}, handler.Forbidden, "allow lambda:InvokeFunction on the function %s to its own role"},
	{[]string{"ResourceNotFound"}, handler.NotFound, "there is no function %s there: leave AWS_LAMBDA_FUNCTION_NAME and AWS_REGION as Lambda sets them"},
	{[]string{"InvalidSignature", "SignatureDoesNotMatch", "IncompleteSignature", "UnrecognizedClient", "InvalidClientTokenId", "MissingAuthenticationToken"}, handler.Forbidden,
		"leave AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of %s as Lambda sets them, and check the clock"},
	{[]string{"ExpiredToken", "RequestExpired"}, handler.Unavailable, "the session of the role of %s has ended: Lambda will restart the function"},
	{[]string{"TooManyRequests", "Throttling", "RequestLimitExceeded"}, handler.Throttled, "too many invocations of %s are under way"},
}

// declined reads an answer other than 202. Only after a failure within AWS the payload may
// have been queued.
func declined(resp *http.Response, body []byte, name string) *handler.Error {
	var said struct{ Type, Message string }
	_ = json.Unmarshal(body, &said) // a page of a proxy has neither field
	code, _, _ := strings.Cut(cmp.Or(resp.Header.Get("X-Amzn-Errortype"), said.Type), ":")
	kind, fix := handler.Unavailable, fmt.Sprintf("status %d for %%s", resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		kind = handler.Throttled
	case resp.StatusCode == http.StatusForbidden:
		kind, fix = handler.Forbidden, invokeCodes[0].fix
	}
	if row, known := meaningOf(code, invokeCodes); known {
		kind, fix = row.kind, row.fix
	}
	e := notInvoked(kind, fix, name)
	e.Code, e.Uncertain = code, resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode < http.StatusBadRequest
	if said.Message != "" {
		e.Err = errors.New(said.Message)
	}
	return e
}
