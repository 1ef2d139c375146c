// Package fc runs the function on Alibaba Function Compute 3.0 (runtime go1).
//
// The payload is the direct request of package handler, alone or as a batch.
// Every call is signed with the credentials of the function's role, which come
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
	f := function.New(function.Options{Environ: environ, Log: log, Credentials: credentials(environ)})
	return func(ctx context.Context, payload []byte) (json.RawMessage, error) {
		answer, err := f.Invoke(withRole(ctx), payload)
		var failure *function.Failure
		if errors.As(err, &failure) {
			return nil, messages.InvokeResponse_Error{Type: failure.Type, Message: failure.Message}
		}
		return answer, err
	}
}

type roleKey struct{}

// withRole takes the role's credentials out of the invocation's context once:
// fccontext.FromContext writes to what it returns, so that calls made
// concurrently must not ask it.
func withRole(ctx context.Context) context.Context {
	invocation, ok := fccontext.FromContext(ctx)
	if !ok {
		return ctx
	}
	c := invocation.Credentials
	return context.WithValue(ctx, roleKey{}, tair.Credential{
		AccessKeyID:     c.AccessKeyId,
		AccessKeySecret: c.AccessKeySecret,
		SecurityToken:   c.SecurityToken,
	})
}

// credentials are the role's, or the environment's for a function without one.
func credentials(environ []string) tair.Credentials {
	fallback := function.EnvironCredentials(environ)
	return func(ctx context.Context) (tair.Credential, error) {
		if c, ok := ctx.Value(roleKey{}).(tair.Credential); ok && c.AccessKeyID != "" && c.AccessKeySecret != "" {
			return c, nil
		}
		return fallback(ctx)
	}
}
