// Package lambda runs the function on AWS Lambda (provided.al2023).
//
// The payload is the direct request of package handler, alone or as a batch.
// Credentials come from the environment.
package lambda

import (
	"context"
	"errors"
	"io"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"tairssl/adapters/function"
)

// Start polls Lambda's runtime API for invocations and does not return.
func Start(environ []string, log io.Writer) {
	lambda.Start(New(environ, log))
}

// New returns the function as the runtime calls it, with the raw payload.
func New(environ []string, log io.Writer) lambda.Handler {
	return invoker{function.New(function.Options{Environ: environ, Log: log})}
}

type invoker struct{ *function.Function }

// Invoke answers an invocation. A failure's type becomes Lambda's errorType.
func (i invoker) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := i.Function.Invoke(ctx, payload)
	var failure *function.Failure
	if errors.As(err, &failure) {
		return nil, messages.InvokeResponse_Error{Type: failure.Type, Message: failure.Message}
	}
	return answer, err
}
