package function

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Options say where a function runs.
type Options struct {
	Environ     []string         // the environment, as os.Environ gives it
	Log         io.Writer        // where log lines go, as JSON
	Credentials tair.Credentials // default: those of Environ
}

// Function answers invocations. It is safe for concurrent use.
type Function struct {
	options Options
	// start makes all that an invocation needs, at the first one.
	start func() (*running, error)
	cold  sync.Once
}

type running struct {
	handler *handler.Handler
	decoder event.Decoder
	log     *slog.Logger
}

// New returns a function; it costs nothing until it is invoked.
func New(o Options) *Function {
	f := &Function{options: o}
	f.start = sync.OnceValues(f.wire)
	return f
}

// Failure is an invocation that ends in an error: only where delivering the
// same payload again can help, where the settings are wrong, or after a panic.
type Failure struct {
	Type    string // the kind of the failure, or the outcome
	Message string
}

// Error gives the type and the message.
func (f *Failure) Error() string { return f.Type + ": " + f.Message }

func (f *Function) wire() (*running, error) {
	settings, unknown, err := ParseSettings(f.options.Environ)
	log := slog.New(slog.NewJSONHandler(f.options.Log, &slog.HandlerOptions{Level: settings.LogLevel}))
	if err != nil {
		faults := strings.Split(err.Error(), "\n")
		log.Error("settings", "faults", faults)
		return nil, &Failure{string(handler.Internal), fmt.Sprintf("%d of the function's settings are wrong: %s", len(faults), strings.Join(faults, "; "))}
	}
	for _, name := range unknown {
		log.Warn("no such setting: it does nothing", "variable", name)
	}
	credentials := f.options.Credentials
	if credentials == nil {
		credentials = EnvironCredentials(f.options.Environ)
	}
	h, _ := settings.Handler(credentials, log)
	return &running{h, event.Decoder{Certificates: settings.CertMap}, log}, nil
}

// EnvironCredentials are those of an environment as os.Environ gives it.
func EnvironCredentials(environ []string) tair.Credentials {
	return tair.EnvironmentCredentials(func(key string) (value string) {
		for _, entry := range environ {
			if v, ok := strings.CutPrefix(entry, key+"="); ok {
				value = v
			}
		}
		return value
	})
}

// Invoke answers one payload, whatever trigger it comes from: a single request
// by its result, several by an array of results. Its error is a *[Failure].
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	deliveries, err := f.Deliver(ctx, [][]byte{payload})
	if err != nil {
		return nil, err
	}
	d := deliveries[0]
	if failure := redeliver(d.Results, d.Batch); failure != nil {
		return nil, failure
	}
	return encode(d.Results, d.Batch), nil
}

// Delivery is what became of one payload.
type Delivery struct {
	event.Asked
	Results []handler.Result
}

// Again reports whether delivering the payload again can help.
func (d Delivery) Again() bool { return redeliver(d.Results, d.Batch) != nil }

// Deliver answers several payloads of one invocation, the records of a queue,
// together: what they ask of one instance happens in their order. Its error, a
// *[Failure], is one of the whole invocation.
func (f *Function) Deliver(ctx context.Context, payloads [][]byte) (deliveries []Delivery, err error) {
	began := time.Now()
	cold := false
	f.cold.Do(func() { cold = true })
	r, err := f.start()
	if err != nil {
		return nil, err
	}
	defer func() {
		if v := recover(); v != nil {
			r.log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			deliveries, err = nil, &Failure{string(handler.Internal), "an unexpected fault; the log has the details"}
		}
	}()
	var requests []handler.Request
	deliveries = make([]Delivery, len(payloads))
	for i, payload := range payloads {
		deliveries[i].Asked = r.decoder.Decode(payload)
		requests = append(requests, deliveries[i].Requests...)
	}
	results := r.handler.Handle(ctx, requests)
	for i := range deliveries {
		d := &deliveries[i]
		d.Results, results = results[:len(d.Requests)], results[len(d.Requests):]
		r.log.InfoContext(ctx, "invocation", "trigger", d.Trigger, "event_id", d.ID, "bytes", len(payloads[i]), "outcomes", count(d.Results), "cold_start", cold, "duration_ms", time.Since(began).Milliseconds())
	}
	return deliveries, nil
}

func count(results []handler.Result) map[handler.Outcome]int {
	outcomes := map[handler.Outcome]int{}
	for _, r := range results {
		outcomes[r.Outcome]++
	}
	return outcomes
}

// encode writes the answer in the form of the question.
func encode(results []handler.Result, batch bool) []byte {
	var v any = results
	if !batch {
		v = results[0]
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a struct of strings, times and bools always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// worst orders the types of failures; a batch fails as its worst part.
var worst = []string{string(handler.Unknown), string(handler.Internal), string(handler.Unavailable), string(handler.Throttled), string(handler.InProgress)}

// redeliver gives the failure by which the platform learns that a re-delivery
// can help, or nil. What is done already stays done: it will be unchanged then.
func redeliver(results []handler.Result, batch bool) *Failure {
	failure := &Failure{}
	n := 0
	var why strings.Builder
	for _, r := range results {
		t, ok := r.Redeliver()
		if !ok {
			continue
		}
		n++
		if failure.Type == "" || slices.Index(worst, t) < slices.Index(worst, failure.Type) {
			failure.Type = t
		}
		fmt.Fprintf(&why, "%s: %s; ", r.InstanceID, r.Reason)
	}
	switch {
	case n == 0:
		return nil
	case batch:
		failure.Message = fmt.Sprintf("%d of %d can be tried again: ", n, len(results))
	}
	failure.Message += strings.TrimSuffix(why.String(), "; ") + "\n" + string(encode(results, batch))
	return failure
}
