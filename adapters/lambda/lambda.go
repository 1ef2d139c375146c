// Package lambda runs the function on AWS Lambda (provided.al2023).
//
// It reads the two envelopes that only Lambda has: HTTP requests of the gateways (http.go)
// and records of queues and streams (records.go). Package event reads their content and
// every other payload.
//
// The Alibaba credentials come from the environment, or from identity federation
// (federation.go), which needs no long-lived key. Work that takes longer than the caller
// waits is handed to an asynchronous invocation of the same function (invoke.go). A
// CloudFormation deployment fails if the settings are wrong (deployment.go).
package lambda

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"tairssl/adapters/event"
	"tairssl/adapters/function"
)

// Start polls Lambda's runtime API for invocations. It does not return.
func Start(environ []string, log io.Writer) {
	i := newInvoker(environ, log)
	i.Prepare(context.Background())
	lambda.Start(i)
}

// New returns the function in the form that the runtime calls, with raw payloads.
func New(environ []string, log io.Writer) lambda.Handler { return newInvoker(environ, log) }

func newInvoker(environ []string, log io.Writer) invoker {
	return invoker{function.New(function.Options{
		Environ: environ, Log: log, Metrics: true, Federation: federation(environ, time.Now), Invoke: invoke(environ, time.Now),
	}), newTransport(nil)}
}

type invoker struct {
	*function.Function
	stacks http.RoundTripper // sends the answers to CloudFormation
}

// Invoke answers an invocation. A gateway gets an HTTP response. A queue gets the records
// to deliver again. CloudFormation gets the verdict on the settings. Every other caller
// gets the result. Invoke also does the work that was handed over. The type of a failure
// becomes Lambda's errorType.
func (i invoker) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	if c, ok := lambdacontext.FromContext(ctx); ok {
		ctx = function.WithID(ctx, c.AwsRequestID)
	}
	switch e := httpEventOf(payload); {
	case e != nil:
		answer, err = i.serve(ctx, e)
	case event.Handed(payload):
		answer, err = i.InvokeHanded(ctx, payload)
	case deploymentOf(payload) != nil:
		answer, err = i.deployed(ctx, deploymentOf(payload))
	default:
		answer, err = i.records(ctx, payload)
	}
	var failure *function.Failure
	if errors.As(err, &failure) {
		return nil, messages.InvokeResponse_Error{Type: failure.Type, Message: failure.Message}
	}
	return answer, err
}
