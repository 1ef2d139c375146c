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
	return &running{h, log}, nil
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

// Invoke answers one payload: a direct request by its result, a batch by an
// array of results. Its error is a *[Failure].
func (f *Function) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
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
			answer, err = nil, &Failure{string(handler.Internal), "an unexpected fault; the log has the details"}
		}
	}()
	results, batch := f.handle(ctx, r, payload)
	r.log.InfoContext(ctx, "invocation", "trigger", "direct", "bytes", len(payload), "outcomes", count(results), "cold_start", cold, "duration_ms", time.Since(began).Milliseconds())
	if failure := redeliver(results, batch); failure != nil {
		return nil, failure
	}
	return encode(results, batch), nil
}

func (f *Function) handle(ctx context.Context, r *running, payload []byte) (results []handler.Result, batch bool) {
	requests, batch, err := handler.Decode(payload)
	if err != nil {
		// One answer for the whole, since there is nothing to line answers up with.
		return r.handler.Handle(ctx, []handler.Request{handler.Invalidf("%s", handler.AsError(err).Message)}), false
	}
	return r.handler.Handle(ctx, requests), batch
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
