// Package fc runs the function on Alibaba Function Compute 3.0 (runtime go1).
//
// It opens the envelope that is Function Compute's own, the HTTP trigger's, and
// leaves every other payload to package event. Every call is signed with the
// credentials of the function's role, which come anew with each invocation:
// those in the environment go stale on an instance that lives on. What lasts
// longer than a caller waits is handed to an asynchronous invocation of the same
// function; see invoke.go.
package fc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"tairssl/adapters/event"
	"tairssl/adapters/function"
	"tairssl/adapters/tair"
)

// Start polls Function Compute's runtime API for invocations, and returns the
// process's exit code when that API is gone.
func Start(environ []string, log io.Writer) int {
	gone := watchRuntimeAPI(function.Getenv(environ)("FC_RUNTIME_API"))
	i := newInvoker(environ, log)
	i.Prepare(context.Background())
	go fc.Start(i.invoke)
	<-gone
	fmt.Fprintln(log, "the runtime API is gone, so this process ends")
	return 1
}

// New returns the function as the runtime calls it. A json.RawMessage is the
// one answer that the runtime passes on as it is.
func New(environ []string, log io.Writer) func(context.Context, []byte) (json.RawMessage, error) {
	return newInvoker(environ, log).invoke
}

func newInvoker(environ []string, log io.Writer) invoker {
	return invoker{function.New(function.Options{Environ: environ, Log: log, Credentials: role, Invoke: invoke, Vault: vault(function.Getenv(environ)("TAIRSSL_ENDPOINT"))})}
}

type invoker struct{ *function.Function }

// invoke answers an invocation: an HTTP trigger's by a response, any other by
// the result. Handed work is done. A failure's type becomes Function Compute's
// errorType.
func (i invoker) invoke(ctx context.Context, payload []byte) (answer json.RawMessage, err error) {
	ctx = withInvocation(ctx)
	switch e := httpEventOf(payload); {
	case e != nil:
		answer, err = i.serve(ctx, e)
	case event.Handed(payload):
		answer, err = i.InvokeHanded(ctx, payload)
	default:
		answer, err = i.Function.Invoke(ctx, payload)
	}
	var failure *function.Failure
	if errors.As(err, &failure) {
		return nil, messages.InvokeResponse_Error{Type: failure.Type, Message: failure.Message}
	}
	return answer, err
}

// invocation is what is used of the context of one: who the function is, and the
// credential of its role.
type invocation struct {
	region, function, qualifier string
	role                        tair.Credential
}

type invocationKey struct{}

// withInvocation takes what is used out of the invocation's context once:
// fccontext.FromContext writes to what it returns, so that calls made
// concurrently must not ask it.
func withInvocation(ctx context.Context) context.Context {
	fc, ok := fccontext.FromContext(ctx)
	if !ok {
		return ctx
	}
	c := fc.Credentials
	return context.WithValue(function.WithID(ctx, fc.RequestID), invocationKey{}, invocation{
		region: fc.Region, function: fc.Function.Name, qualifier: qualifierOf(fc),
		role: tair.Credential{AccessKeyID: c.AccessKeyId, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken},
	})
}

// qualifierOf is the alias or version by which the function was invoked; empty if
// that was neither.
func qualifierOf(c *fccontext.FcContext) string {
	if c.Service.Qualifier == "LATEST" {
		return ""
	}
	return c.Service.Qualifier
}

// role gives the role's credential; a function without one has those of its
// environment.
func role(ctx context.Context) (tair.Credential, error) {
	if i, ok := ctx.Value(invocationKey{}).(invocation); ok && i.role.AccessKeyID != "" && i.role.AccessKeySecret != "" {
		return i.role, nil
	}
	return tair.Credential{}, nil
}
