package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
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
runs here is what is deployed. Its answer goes to standard output, its log to standard
error. Several events go to one process, one after the other; - is standard input.`,
		Example: `  tairssl invoke --on lambda events/direct-update.json --emulate
  tairssl invoke --on fc events/direct-batch.json --emulate`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			cloud := localruntime.Cloud(on)
			if cloud != localruntime.Lambda && cloud != localruntime.FC {
				return usagef("--on takes lambda or fc, not %q", on)
			}
			var events [][]byte
			for _, file := range files {
				event, err := c.read(file)
				if err != nil {
					return usageError{err}
				}
				events = append(events, event)
			}
			environ, done, err := c.cloud(tairtest.Options{})
			if err != nil {
				return err
			}
			defer done()
			if path == "" {
				path = binary(cloud)
			}
			region := c.region
			if region == "" {
				region = handler.DefaultRegion
			}
			process, err := localruntime.Start(cmd.Context(), cloud, path, localruntime.Options{Env: environ, Stderr: c.Stderr, Timeout: timeout, Region: region})
			if err != nil {
				return err
			}
			defer func() { _ = process.Close() }()
			return c.send(cmd.Context(), process, events)
		},
	}
	cmd.Flags().StringVar(&on, "on", "lambda", "`cloud` whose function to run: lambda or fc")
	cmd.Flags().StringVar(&path, "binary", "", "the function's `file` (default dist/CLOUD/bootstrap)")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long an invocation may take: the function is told so")
	complete(cmd, "on", "lambda", "fc")
	return cmd
}

// send prints each answer and returns the worst exit.
func (c *command) send(ctx context.Context, process *localruntime.Process, events [][]byte) error {
	code := 0
	for _, event := range events {
		answer, err := process.Invoke(ctx, event)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if json.Indent(&out, answer.Payload, "", "  ") != nil {
			out.Write(answer.Payload)
		}
		fmt.Fprintln(c.Stdout, out.String())
		code = max(code, exitOf(answer))
	}
	if code != 0 {
		return exit(code)
	}
	return nil
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
	return code
}

// resultsOf reads an answer, of one request or of a batch.
func resultsOf(payload []byte) (results []handler.Result) {
	if json.Unmarshal(payload, &results) == nil {
		return results
	}
	var one handler.Result
	if json.Unmarshal(payload, &one) == nil && one.Outcome != "" {
		return []handler.Result{one}
	}
	return nil
}

func (c *command) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(c.Stdin)
	}
	return os.ReadFile(file)
}
