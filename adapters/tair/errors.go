package tair

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"

	"tairssl/handler"
)

// meaning says what a code of an API means here. A code that ends in "*" stands
// for all that begin so.
type meaning struct {
	code string
	kind handler.Kind
	fix  string // appended to the API's own words
	// uncertain: a write so refused may have taken effect all the same.
	uncertain bool
	err       error
}

// meaningOf finds the first row that fits a code.
func meaningOf(code string, rows []meaning) (meaning, bool) {
	for _, row := range rows {
		if prefix, open := strings.CutSuffix(row.code, "*"); code == row.code || open && strings.HasPrefix(code, prefix) {
			return row, true
		}
	}
	return meaning{}, false
}

// codes are those of the OpenAPI. Sources: the error tables of
// ModifyInstanceSSL, DescribeInstanceSSL and TagResources, and those that the
// RPC gateway adds to every call.
var codes = []meaning{
	{code: "IncorrectDBInstanceState", kind: handler.Unavailable, err: handler.ErrBusy},
	{code: "SSLEnabledStateExistsFault", kind: handler.Unsupported, err: handler.ErrAlready},
	{code: "SSLDisableStateExistsFault", kind: handler.Unsupported, err: handler.ErrAlready},
	{code: "IncorrectDBInstanceLockMode", kind: handler.Locked, fix: "unlock the instance, by paying its bill for one, and try again"},
	{code: "IncorrectCharacterType", kind: handler.Unsupported, fix: "this type of instance has no encryption"},
	{code: "IncorrectEngineVersion", kind: handler.Unsupported, fix: "upgrade the instance's minor version and try again"},
	{code: "InvalidRedisVersionPattern", kind: handler.Unsupported, fix: "this version of Redis has no encryption"},
	{code: "EnabledSSLNotSupport", kind: handler.Unsupported, fix: "this region has no encryption"},
	{code: "InvalidInstanceId.NotFound", kind: handler.NotFound, fix: "check the id, and RegionId or TAIRSSL_REGION"},
	{code: "InvalidParameters.Format", kind: handler.Invalid},

	{code: "Throttling*", kind: handler.Throttled, fix: "lower TAIRSSL_RATE if this is frequent"},
	{code: "Rejected.Throttling", kind: handler.Throttled, fix: "lower TAIRSSL_RATE if this is frequent", uncertain: true},
	{code: "ServiceUnavailable*", kind: handler.Unavailable, uncertain: true},
	{code: "InternalError*", kind: handler.Unavailable, uncertain: true},
	{code: "ProxyError", kind: handler.Unavailable, uncertain: true},
	{code: "LockTimeout", kind: handler.Unavailable, uncertain: true},

	{code: "InvalidTimeStamp.Expired", kind: handler.Unavailable, fix: "check this machine's clock"},
	{code: "SignatureNonceUsed", kind: handler.Unavailable, uncertain: true}, // the first copy of it may have been taken
	{code: "Forbidden.RAM", kind: handler.Forbidden, fix: "allow %s on this instance to the role or user of the credentials"},
	{code: "NoPermission*", kind: handler.Forbidden, fix: "allow %s on this instance to the role or user of the credentials"},
	{code: "Forbidden*", kind: handler.Forbidden, fix: "allow %s on this instance to the role or user of the credentials"},
	{code: "InvalidAccessKeyId*", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_ACCESS_KEY_ID"},
	{code: "InvalidSecurityToken*", kind: handler.Forbidden, fix: "the temporary credentials have ended or belong to another key: get new ones"},
	{code: "MissingSecurityToken", kind: handler.Forbidden, fix: "temporary credentials need ALIBABA_CLOUD_SECURITY_TOKEN"},
	{code: "SignatureDoesNotMatch", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
	{code: "IncompleteSignature", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
}

// statuses serves the codes that are not in the table.
var statuses = map[int]handler.Kind{
	http.StatusBadRequest:      handler.Invalid,
	http.StatusUnauthorized:    handler.Forbidden,
	http.StatusForbidden:       handler.Forbidden,
	http.StatusNotFound:        handler.NotFound,
	http.StatusTooManyRequests: handler.Throttled,
}

// failure makes an error of a call the handler's. sent says that the request
// may have reached the API, outer is the caller's context.
func failure(outer context.Context, action string, c Credential, sent bool, err error) *handler.Error {
	var server *sdkerrors.ServerError
	var known *handler.Error
	if errors.As(err, &server) {
		return refusal(action, c, server)
	}
	if errors.As(err, &known) {
		return known
	}
	// A *url.Error's text is the whole signed URL. What it wraps is kept alone.
	var transport *url.Error
	for errors.As(err, &transport) {
		err = transport.Err
	}
	var e *handler.Error
	var large *http.MaxBytesError
	var client *sdkerrors.ClientError
	switch {
	case outer.Err() != nil:
		e = handler.Errorf(handler.Unavailable, "%s: the time for this invocation ran out, or it was cancelled, before the answer came", action)
		err = outer.Err()
	case errors.Is(err, context.DeadlineExceeded):
		e = handler.Errorf(handler.Unavailable, "%s: no answer in time", action)
	case errors.As(err, &large):
		e = handler.Errorf(handler.Unavailable, "%s: the answer is longer than %d bytes", action, large.Limit)
	case errors.As(err, &client):
		e = handler.Errorf(handler.Unavailable, "%s: the answer can not be read", action)
		err = errors.New(redact(c, fmt.Sprint(client.OriginError())))
	case errors.Is(err, errMalformed):
		e = handler.Errorf(handler.Unavailable, "%s: %v", action, err)
	case errors.Is(err, errPanic):
		e = handler.Errorf(handler.Unavailable, "%s: the answer has an unexpected form", action)
		err = errors.New(redact(c, err.Error()))
	default:
		e = handler.Errorf(handler.Unavailable, "%s: %s", action, redact(c, err.Error()))
	}
	e.Err, e.Uncertain = err, sent
	return e
}

// refusal reads the API's own answer.
func refusal(action string, c Credential, server *sdkerrors.ServerError) *handler.Error {
	status, code := server.HttpStatus(), server.ErrorCode()
	message := server.Message()
	if code == "" { // not the API's own words: a proxy's page, say
		message = fmt.Sprintf("status %d", status)
	}
	if code == "SignatureDoesNotMatch" || code == "IncompleteSignature" {
		message = "the signature is wrong" // the API's words repeat the signed string
	}
	e := &handler.Error{Code: clip(code), RequestID: clip(server.RequestId())}
	e.Uncertain = status >= http.StatusInternalServerError || code == ""
	if row, known := meaningOf(code, codes); known {
		e.Kind, e.Err = row.kind, row.err
		// The code is surer than the status: throttling comes as a 503, too.
		e.Uncertain = row.uncertain || e.Uncertain && row.kind != handler.Throttled
		if fix := row.fix; fix != "" {
			if strings.Contains(fix, "%s") {
				fix = fmt.Sprintf(fix, "kvstore:"+action)
			}
			message = strings.TrimRight(message, ". ") + ": " + fix
		}
	} else {
		e.Kind = statuses[status]
		if e.Kind == "" {
			e.Kind = handler.Unavailable
		}
	}
	e.Message = action + ": " + clip(redact(c, message))
	e.Retryable = e.Kind == handler.Throttled || e.Kind == handler.Unavailable
	return e
}

// redact takes a credential out of a text, plain or as it stands in a URL.
func redact(c Credential, text string) string {
	for _, secret := range []string{c.SecurityToken, c.AccessKeySecret, c.AccessKeyID} {
		if len(secret) < 8 { // nothing worth hiding, and it would tear words apart
			continue
		}
		once := url.QueryEscape(secret)
		for _, form := range []string{secret, once, url.QueryEscape(once)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}

// clip bounds what the API says.
func clip(s string) string {
	const most = 400
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
