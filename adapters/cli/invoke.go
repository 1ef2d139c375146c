package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/event"
	"tairssl/adapters/function"
	"tairssl/handler"
)

func (c *command) invoke() *cobra.Command {
	var (
		on, path string
		timeout  time.Duration
	)
	cmd := &cobra.Command{
		Use:   "invoke EVENT.json…",
		Short: "Send events to the built function of a cloud, as that cloud would",
		Long: `Send events to the built function of a cloud, as that cloud would.

The function's own binary runs under a local copy of its cloud's runtime API, so what
runs here is what is deployed. Each event goes to the cloud that sends such events, or to
the one that --on names. The answer goes to standard output, the log to standard error.
Several events go to one process of a cloud, one after the other; - is standard input.
Work that the function hands over to an asynchronous invocation of itself is done before
the next event; a line on standard error says how it ended.`,
		Example: `  tairssl invoke events/direct-update.json --emulate
  tairssl invoke events/sqs.json events/timer.json --emulate
  tairssl invoke --on fc events/direct-batch.json --emulate`,
		Args: atLeastOne("event's file, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if on != "" && on != string(localruntime.Lambda) && on != string(localruntime.FC) {
				return usagef("--on takes lambda or fc, not %q", on)
			}
			environ, done, err := c.cloud()
			if err != nil {
				return err
			}
			defer done()
			environ, err = c.exported(cmd.Context(), environ)
			if err != nil {
				return err
			}
			f := functions{
				c: c, path: path, environ: environ, timeout: timeout,
				stderr: &sharedWriter{to: c.Stderr}, running: map[localruntime.Cloud]*localruntime.Process{},
			}
			defer f.close()
			code := 0
			for _, file := range files {
				payload, err := c.read(file)
				if err != nil {
					return usageError{err}
				}
				cloud := localruntime.Cloud(on)
				if on == "" {
					cloud = sentBy(payload)
				}
				worst, err := f.invoke(cmd.Context(), cloud, payload)
				if err != nil {
					return err
				}
				code = max(code, worst)
			}
			if code != 0 {
				return exit(code)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&on, "on", "", "`cloud` whose function to run: lambda or fc (default: the one that sends such events)")
	cmd.Flags().StringVar(&path, "binary", "", "the function's `file` (default dist/CLOUD/bootstrap)")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long an invocation may take: the function is told so")
	complete(cmd, "on", "lambda", "fc")
	return cmd
}

// functions are the built functions that run here, started when they are first
// needed.
type functions struct {
	c       *command
	path    string // of the binary; empty for where the build leaves it
	environ []string
	timeout time.Duration
	stderr  *sharedWriter
	running map[localruntime.Cloud]*localruntime.Process
}

// sharedWriter is written to by the functions and by this command.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (s *sharedWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(b)
}

func (f *functions) close() {
	for _, p := range f.running {
		_ = p.Close()
	}
}

// on gives a cloud's function. They run frozen, as there: what goes on after an
// answer without having been handed over does not go on here either.
func (f *functions) on(ctx context.Context, cloud localruntime.Cloud) (*localruntime.Process, error) {
	if p := f.running[cloud]; p != nil {
		return p, nil
	}
	path := f.path
	if path == "" {
		path = binary(cloud)
	}
	o := localruntime.Options{Env: f.environ, Stderr: f.stderr, Timeout: f.timeout, Freeze: true}
	if cloud == localruntime.FC {
		o.Region = f.c.region // a region of Alibaba Cloud
	}
	p, err := localruntime.Start(ctx, cloud, path, o)
	if err == nil {
		f.running[cloud] = p
	}
	return p, err
}

// invoke sends an event, prints its answer, waits for what it handed over, and
// gives the worst exit code of all.
func (f *functions) invoke(ctx context.Context, cloud localruntime.Cloud, payload []byte) (int, error) {
	p, err := f.on(ctx, cloud)
	if err != nil {
		return 0, err
	}
	answer, err := p.Invoke(ctx, payload)
	if err != nil {
		return 0, err
	}
	f.c.printAnswer(answer)
	code := exitOf(answer)
	if code == 0 && f.nothingRead(payload) {
		fmt.Fprintln(f.stderr, "no record could be read: a queue is not told, for it would send them again and again; the log above says why")
		code = handler.Invalid.ExitCode()
	}
	wait, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	handed, err := p.Async(wait)
	for _, d := range handed {
		code = max(code, printDelivery(f.stderr, d))
	}
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err != nil:
		fmt.Fprintf(f.stderr, "handed over: not ended within --timeout %s: %v\n", f.timeout, err)
		code = max(code, handler.Unavailable.ExitCode())
	}
	return code, nil
}

// nothingRead reports that the records of a queue are all poison, which the
// queue's answer does not show.
func (f *functions) nothingRead(payload []byte) bool {
	records, ok := event.RecordsOf(payload)
	settings, _, _ := function.ParseSettings(f.environ) // the function itself says what is wrong with them
	decoder := event.Decoder{Certificates: settings.CertMap}
	return ok && !slices.ContainsFunc(records.Messages, func(m event.Message) bool { return !decoder.Message(m).Unread() })
}

// printDelivery says how work that was handed over ended, and gives the exit
// code that it stands for.
func printDelivery(w io.Writer, d localruntime.Delivery) int {
	how := "ok"
	if failure := d.Failure(); failure != "" {
		how = failure
	}
	if d.Attempts > 1 {
		how += fmt.Sprintf(" after %d attempts", d.Attempts)
	}
	fmt.Fprintf(w, "handed over: %s ended %s\n", d.Answer.RequestID, how)
	if d.Err != nil {
		return handler.Internal.ExitCode()
	}
	return exitOf(d.Answer)
}

// printAnswer shows an answer as it came.
func (c *command) printAnswer(a localruntime.Answer) {
	var out bytes.Buffer
	if json.Indent(&out, a.Payload, "", "  ") != nil {
		out.Write(a.Payload)
	}
	fmt.Fprintln(c.Stdout, out.String())
}

// exitOf is the exit code that an answer stands for.
func exitOf(a localruntime.Answer) int {
	if a.Failed {
		// The type is an outcome or a kind.
		if o := handler.Outcome(a.ErrorType); o == handler.Unknown || o == handler.InProgress {
			return handler.Result{Outcome: o}.ExitCode()
		}
		return handler.Kind(a.ErrorType).ExitCode()
	}
	code := 0
	for _, r := range resultsOf(a.Payload) {
		code = max(code, r.ExitCode())
	}
	var queue struct{ BatchItemFailures []any }
	if json.Unmarshal(a.Payload, &queue) == nil && len(queue.BatchItemFailures) > 0 {
		code = max(code, handler.Unavailable.ExitCode()) // these are to be tried again
	}
	return code
}

// resultsOf reads an answer: of one request, of a batch, or either over HTTP.
func resultsOf(payload []byte) (results []handler.Result) {
	if json.Unmarshal(payload, &results) == nil {
		return results
	}
	var one struct {
		handler.Result
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}
	if json.Unmarshal(payload, &one) != nil {
		return nil
	}
	if one.StatusCode != 0 {
		return resultsOf([]byte(one.Body))
	}
	if one.Outcome != "" {
		return []handler.Result{one.Result}
	}
	return nil
}

func (c *command) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(c.Stdin)
	}
	return os.ReadFile(file)
}
