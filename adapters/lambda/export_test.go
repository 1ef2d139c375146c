package lambda

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"tairssl/adapters/event"
	"tairssl/adapters/function"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// Recognise opens a payload's envelopes and reads the requests in it. It carries out
// nothing.
func Recognise(payload []byte) (asked []event.Asked) {
	d := &event.Decoder{}
	if e := httpEventOf(payload); e != nil {
		f := e.forwarded()
		_, _, _ = f.Serve(context.Background(), webhook.New(webhook.Options{
			GitHub: webhook.Secrets{"It's a Secret to Everybody"}, Tokens: webhook.Secrets{"sample-token"},
			Basic:   webhook.BasicSecrets{Secrets: webhook.Secrets{"alertmanager:sample-password"}},
			Decoder: d, Answer: func(_ context.Context, a event.Asked) event.Answer {
				asked = append(asked, a)
				return event.Answer{Asked: a, Results: make([]handler.Result, len(a.Requests))}
			},
		}))
		return asked
	}
	records, ok := event.RecordsOf(payload)
	for _, m := range records.Messages {
		asked = append(asked, d.Message(m))
	}
	if !ok {
		asked = append(asked, d.Decode(payload))
	}
	return asked
}

// Federation lets tests move its clock.
var Federation = federation

// Over returns the function with any options. The federation, and the way to hand work
// over, come from the environment in the options.
func Over(o function.Options) lambda.Handler {
	o.Federation, o.Metrics = federation(o.Environ, time.Now), true
	if o.Invoke == nil {
		o.Invoke = invoke(o.Environ, time.Now)
	}
	return invoker{function.New(o), newTransport(nil)}
}

// Invoke lets tests move its clock.
var Invoke = invoke

// Deployed returns the function with another transport for the answers to deployments.
func Deployed(environ []string, log io.Writer, stacks http.RoundTripper) lambda.Handler {
	i := newInvoker(environ, log)
	i.stacks = stacks
	return i
}
