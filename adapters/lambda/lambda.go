// Package lambda runs the function on AWS Lambda (provided.al2023).
//
// It opens the envelopes that are Lambda's own, the gateways' HTTP requests and
// the records of SQS and SNS, and leaves what they carry, and every other
// payload, to package event. Credentials come from the environment, or, with no
// long-lived key anywhere, for the identity of the function's role; see
// federation.go.
package lambda

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"tairssl/adapters/function"
)

// Start polls Lambda's runtime API for invocations and does not return.
func Start(environ []string, log io.Writer) {
	lambda.Start(New(environ, log))
}

// New returns the function as the runtime calls it, with the raw payload.
func New(environ []string, log io.Writer) lambda.Handler {
	return invoker{function.New(function.Options{Environ: environ, Log: log, Metrics: true, Federation: federation(environ, time.Now)})}
}

type invoker struct{ *function.Function }

// Invoke answers an invocation: a gateway's by an HTTP response, a queue's by
// the records to deliver again, any other by the result. A failure's type
// becomes Lambda's errorType.
func (i invoker) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	if c, ok := lambdacontext.FromContext(ctx); ok {
		ctx = function.WithID(ctx, c.AwsRequestID)
	}
	if e := httpEventOf(payload); e != nil {
		answer, err = i.serve(ctx, e)
	} else {
		switch source, records := recordsOf(payload); source {
		case "aws:sqs":
			answer, err = i.queue(ctx, records)
		case "aws:sns":
			answer, err = i.notifications(ctx, records)
		default:
			answer, err = i.Function.Invoke(ctx, payload)
		}
	}
	var failure *function.Failure
	if errors.As(err, &failure) {
		return nil, messages.InvokeResponse_Error{Type: failure.Type, Message: failure.Message}
	}
	return answer, err
}
