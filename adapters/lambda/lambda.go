// Package lambda runs the function on AWS Lambda (provided.al2023).
//
// It opens the envelopes that are Lambda's own, the gateways' HTTP requests and
// the records of SQS and SNS, and leaves what they carry, and every other
// payload, to package event. Credentials come from the environment, or, with no
// long-lived key anywhere, for the identity of the function's role; see
// federation.go. What lasts longer than a caller waits is handed to an
// asynchronous invocation of the same function; see invoke.go. A deployment by
// CloudFormation fails if the settings are wrong; see deployment.go.
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

// Start polls Lambda's runtime API for invocations and does not return.
func Start(environ []string, log io.Writer) {
	i := newInvoker(environ, log)
	i.Prepare(context.Background())
	lambda.Start(i)
}

// New returns the function as the runtime calls it, with the raw payload.
func New(environ []string, log io.Writer) lambda.Handler { return newInvoker(environ, log) }

func newInvoker(environ []string, log io.Writer) invoker {
	return invoker{function.New(function.Options{
		Environ: environ, Log: log, Metrics: true, Federation: federation(environ, time.Now), Invoke: invoke(environ, time.Now),
	}), newTransport(nil)}
}

type invoker struct {
	*function.Function
	stacks http.RoundTripper // to where deployments are answered
}

// Invoke answers an invocation: a gateway's by an HTTP response, a queue's by
// the records to deliver again, any other by the result. Handed work is done,
// and a deployment is told whether the settings are right. A failure's type
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
