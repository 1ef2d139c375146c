package cli

import (
	"context"
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

// invokeOptions are the flags of invoke.
type invokeOptions struct {
	on      string // a cloud; "" for the cloud that sends such events
	binary  string // a file; "" for the file that the build writes
	timeout time.Duration
}

func (c *command) invoke() *cobra.Command {
	var o invokeOptions
	cmd := &cobra.Command{
		Use:   "invoke EVENT.json…",
		Short: "Send events to the built function of a cloud, as that cloud would",
		Long: `Send events to the built function of a cloud, as that cloud would.

The function's own binary runs under a local copy of its cloud's runtime API. So the code that
runs here is the code that is deployed. Each event goes to the cloud that sends such events,
or to the cloud that --on names. The answer goes to standard output, the log to standard error.
- is standard input. One process of a cloud gets all events of that cloud, one after the other.
If the function hands work over to an asynchronous invocation of itself, that work ends before
the next event is sent. A line on standard error then says how the work ended.`,
		Example: `  tairssl invoke events/direct-update.json --emulate
  tairssl invoke events/direct-update.json events/sqs.json --emulate
  tairssl invoke --on fc events/direct-batch.json --emulate`,
		Args: atLeastOne("event's file, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error { return c.runInvoke(cmd.Context(), o, files) },
	}
	o.register(cmd)
	return cmd
}

func (o *invokeOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.on, "on", "", "`cloud` whose function to run: lambda or fc (default: the cloud that sends such events)")
	flags.StringVar(&o.binary, "binary", "", "the function's `file` (default dist/CLOUD/bootstrap)")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "the longest time that an invocation may take; the function is told this limit")
	complete(cmd, "on", "lambda", "fc")
}

// runInvoke sends the events, and returns the worst of their exit codes.
func (c *command) runInvoke(ctx context.Context, o invokeOptions, files []string) error {
	if o.on != "" && o.on != string(localruntime.Lambda) && o.on != string(localruntime.FC) {
		return usagef("--on takes lambda or fc, not %q", o.on)
	}
	environ, who, done, err := c.account()
	if err != nil {
		return err
	}
	defer done()
	environ = c.exported(ctx, environ, who)
	f := functions{
		c: c, path: o.binary, environ: environ, timeout: o.timeout,
		stderr: &sharedWriter{to: c.Stderr}, running: map[localruntime.Cloud]*localruntime.Process{},
	}
	defer f.close()
	code := 0
	for _, file := range files {
		payload, err := c.read(file)
		if err != nil {
			return usageError{err}
		}
		cloud := localruntime.Cloud(o.on)
		if o.on == "" {
			cloud = sentBy(payload)
		}
		one, err := f.invoke(ctx, cloud, payload)
		if err != nil {
			return err
		}
		code = max(code, one)
	}
	return ended(code)
}

// functions are the built functions that run on this machine. Each is started when the
// first event for it is sent.
type functions struct {
	c       *command
	path    string // the path of the binary; "" for the binary that the build writes
	environ []string
	timeout time.Duration
	stderr  *sharedWriter
	running map[localruntime.Cloud]*localruntime.Process
}

// sharedWriter is a writer that this command and the functions share.
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

// on gives the process of a cloud's function. Like the cloud, it freezes the process
// between invocations, so work after the answer does not go on unless the function
// handed it over.
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
		o.Region = f.c.region // only Function Compute runs in a region of Alibaba Cloud
	}
	p, err := localruntime.Start(ctx, cloud, path, o)
	if err == nil {
		f.running[cloud] = p
	}
	return p, err
}

// invoke sends an event, prints its answer, waits for the work that was handed over, and
// returns the worst exit code of both.
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
		fmt.Fprintln(f.stderr, "no record could be read; the log above says why. The answer does not return them to the queue, because the queue would only send them again")
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

// nothingRead reports that no record of a queue can be read. The answer to the queue
// does not show that.
func (f *functions) nothingRead(payload []byte) bool {
	records, ok := event.RecordsOf(payload)
	settings, _, _ := function.ParseSettings(f.environ) // the function itself reports wrong settings
	decoder := event.Decoder{Certificates: settings.CertMap}
	return ok && !slices.ContainsFunc(records.Messages, func(m event.Message) bool { return !decoder.Message(m).Unread() })
}

// read reads a file; - is standard input.
func (c *command) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(c.Stdin)
	}
	return os.ReadFile(file)
}
