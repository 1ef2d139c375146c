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

// failure turns the error of a call into a handler.Error. outer is the context of the
// caller. b is the transport of the call and has its facts.
func failure(outer context.Context, action string, c Credential, b *bound, err error) *handler.Error {
	var server *sdkerrors.ServerError
	var known *handler.Error
	if errors.As(err, &server) {
		return refusal(action, c, b, server)
	}
	if errors.As(err, &known) {
		return known
	}
	// The text of a *url.Error is the whole signed URL, so only the error inside is kept.
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
		e = handler.Errorf(handler.Unavailable, "%s: the answer is unreadable", action)
		err = errors.New(redact(c, fmt.Sprint(client.OriginError())))
	case errors.Is(err, errPanic):
		e = handler.Errorf(handler.Unavailable, "%s: the answer has an unexpected form", action)
		err = errors.New(redact(c, err.Error()))
	default:
		e = handler.Errorf(handler.Unavailable, "%s: %s", action, redact(c, err.Error()))
	}
	e.Err, e.Uncertain = err, b.sent
	return e
}

// refusal reads the API's own error by its code, or by its status if the code is unknown.
func refusal(action string, c Credential, b *bound, server *sdkerrors.ServerError) *handler.Error {
	status, code, message := server.HttpStatus(), server.ErrorCode(), server.Message()
	row, known := meaningOf(code, codes)
	switch {
	case code == "":
		row, message = notTheAPI(status), fmt.Sprintf("status %d, which is not the API's own answer", status)
	case !known:
		row = unlisted(code, status)
	}
	if action == "TagResources" && status < http.StatusInternalServerError {
		if tag, refused := tagRefusal(code); refused {
			row = tag
		}
	}
	if code == "SignatureDoesNotMatch" || code == "IncompleteSignature" {
		message = "the signature is wrong" // the API's message repeats the signed string
	}
	e := handler.Errorf(row.kind, "%s: %s", action, row.explain(action, b, handler.ClipTo(redact(c, message), longest)))
	e.Code, e.RequestID, e.Err = handler.ClipTo(redact(c, code), longest), handler.ClipTo(redact(c, server.RequestId()), longest), row.err
	// After an error of the server, only throttling surely means that nothing was
	// changed.
	trouble := status >= http.StatusInternalServerError || status == http.StatusRequestTimeout
	e.Uncertain = row.uncertain || trouble && row.kind != handler.Throttled
	return e
}

// explain appends the advice to the API's own message.
func (m meaning) explain(action string, b *bound, message string) string {
	fix := strings.ReplaceAll(m.fix, "%s", "kvstore:"+action)
	if m.clock {
		fix = b.clock()
	}
	if fix == "" {
		return message
	}
	return strings.TrimRight(message, ". ") + ": " + fix
}

// redact removes a credential from a text, both as plain text and as encoded in a URL.
func redact(c Credential, text string) string {
	for _, secret := range []string{c.SecurityToken, c.AccessKeySecret, c.AccessKeyID} {
		if len(secret) < 8 { // too short for a secret, and replacing it would damage other words
			continue
		}
		once := url.QueryEscape(secret)
		for _, form := range []string{secret, once, url.QueryEscape(once)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}

// longest is the largest length in bytes of a text from the API within an error.
const longest = 400
