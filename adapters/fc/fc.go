// Package fc runs the function on Alibaba Function Compute 3.0 (runtime go1).
//
// It opens the envelope that is Function Compute's own, the HTTP trigger's, and
// leaves every other payload to package event. Every call is signed with the credentials of the function's role, which come
// anew with each invocation: those in the environment go stale on an instance
// that lives on.
package fc

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
)

// Start polls Function Compute's runtime API for invocations and does not
// return.
func Start(environ []string, log io.Writer) {
	fc.Start(New(environ, log))
}

// New returns the function as the runtime calls it. A json.RawMessage is the
// one answer that the runtime passes on as it is.
func New(environ []string, log io.Writer) func(context.Context, []byte) (json.RawMessage, error) {
	return invoker{function.New(function.Options{Environ: environ, Log: log, Credentials: role})}.invoke
}

type invoker struct{ *function.Function }

// invoke answers an invocation: an HTTP trigger's by a response, any other by
// the result. A failure's type becomes Function Compute's errorType.
func (i invoker) invoke(ctx context.Context, payload []byte) (answer json.RawMessage, err error) {
	ctx = withRole(ctx)
	if e := httpEventOf(payload); e != nil {
		answer, err = i.serve(ctx, e)
	} else {
		answer, err = i.Function.Invoke(ctx, payload)
	}
	var failure *function.Failure
	if errors.As(err, &failure) {
		return nil, messages.InvokeResponse_Error{Type: failure.Type, Message: failure.Message}
	}
	return answer, err
}

type roleKey struct{}

// withRole takes the role's credentials, and the id, out of the invocation's context once:
// fccontext.FromContext writes to what it returns, so that calls made
// concurrently must not ask it.
func withRole(ctx context.Context) context.Context {
	invocation, ok := fccontext.FromContext(ctx)
	if !ok {
		return ctx
	}
	c := invocation.Credentials
	ctx = function.WithID(ctx, invocation.RequestID)
	return context.WithValue(ctx, roleKey{}, tair.Credential{
		AccessKeyID:     c.AccessKeyId,
		AccessKeySecret: c.AccessKeySecret,
		SecurityToken:   c.SecurityToken,
	})
}

// role gives the role's credential; a function without one has those of its
// environment.
func role(ctx context.Context) (tair.Credential, error) {
	if c, ok := ctx.Value(roleKey{}).(tair.Credential); ok && c.AccessKeyID != "" && c.AccessKeySecret != "" {
		return c, nil
	}
	return tair.Credential{}, nil
}
