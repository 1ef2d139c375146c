// Package fc runs the function on Alibaba Function Compute 3.0 (runtime go1).
//
// It reads the one envelope that only Function Compute has: the request of an HTTP trigger
// (http.go). Package event reads every other payload.
//
// The credentials of the function's role come with each invocation. The credentials in the
// environment are not used for that, because they grow old while an instance lives on.
// Work that takes longer than the caller waits is handed to an asynchronous invocation of
// the same function (invoke.go).
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

// Start polls Function Compute's runtime API for invocations. When the runtime API is
// gone, it returns the exit code of the process.
func Start(environ []string, log io.Writer) int {
	gone := watchRuntimeAPI(function.Getenv(environ)("FC_RUNTIME_API"))
	i := newInvoker(environ, log)
	i.Prepare(context.Background())
	go fc.Start(i.invoke)
	<-gone
	fmt.Fprintln(log, "the runtime API is gone, so this process ends")
	return 1
}

// New returns the function in the form that the runtime calls. The answer is a
// json.RawMessage, because the runtime encodes all other types.
func New(environ []string, log io.Writer) func(context.Context, []byte) (json.RawMessage, error) {
	return newInvoker(environ, log).invoke
}

func newInvoker(environ []string, log io.Writer) invoker {
	return invoker{function.New(function.Options{Environ: environ, Log: log, Credentials: role, Invoke: invoke, Vault: vault(function.Getenv(environ)("TAIRSSL_ENDPOINT"))})}
}

type invoker struct{ *function.Function }

// invoke answers an invocation. An HTTP trigger gets a response, and every other caller
// gets the result. invoke also does the work that was handed over. The type of a failure
// becomes Function Compute's errorType.
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

// invocation holds the parts of an invocation's context that are used: the function's name
// and region, and the credential of its role.
type invocation struct {
	region, function, qualifier string
	role                        tair.Credential
}

type invocationKey struct{}

// withInvocation copies the invocation out of the context once. fccontext.FromContext
// writes to its result, so it must not be called concurrently.
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

// qualifierOf returns the alias or version by which the function was invoked, or "".
func qualifierOf(c *fccontext.FcContext) string {
	if c.Service.Qualifier == "LATEST" {
		return ""
	}
	return c.Service.Qualifier
}

// role returns the credential of the function's role. It is empty if the function has no
// role; then the credentials of the environment are used.
func role(ctx context.Context) (tair.Credential, error) {
	if i, ok := ctx.Value(invocationKey{}).(invocation); ok && i.role.AccessKeyID != "" && i.role.AccessKeySecret != "" {
		return i.role, nil
	}
	return tair.Credential{}, nil
}
