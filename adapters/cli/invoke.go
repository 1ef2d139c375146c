package cli

import (
	"bytes"
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
runs here is what is deployed. Each event goes to the cloud that sends such events, or to
the one that --on names. The answer goes to standard output, the log to standard error.
Several events go to one process of a cloud, one after the other; - is standard input.`,
		Example: `  tairssl invoke events/direct-update.json --emulate
  tairssl invoke events/sqs.json events/timer.json --emulate
  tairssl invoke --on fc events/direct-batch.json --emulate`,
		Args: atLeastOne("event's file, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if on != "" && on != string(localruntime.Lambda) && on != string(localruntime.FC) {
				return usagef("--on takes lambda or fc, not %q", on)
			}
			environ, done, err := c.cloud(tairtest.Options{})
			if err != nil {
				return err
			}
			defer done()
			region := c.region
			if region == "" {
				region = handler.DefaultRegion
			}
			processes := map[localruntime.Cloud]*localruntime.Process{}
			code := 0
			for _, file := range files {
				event, err := c.read(file)
				if err != nil {
					return usageError{err}
				}
				cloud := localruntime.Cloud(on)
				if on == "" {
					cloud = sentBy(event)
				}
				if processes[cloud] == nil {
					from := path
					if from == "" {
						from = binary(cloud)
					}
					p, err := localruntime.Start(cmd.Context(), cloud, from, localruntime.Options{Env: environ, Stderr: c.Stderr, Timeout: timeout, Region: region})
					if err != nil {
						return err
					}
					defer func() { _ = p.Close() }()
					processes[cloud] = p
				}
				answer, err := processes[cloud].Invoke(cmd.Context(), event)
				if err != nil {
					return err
				}
				c.printAnswer(answer)
				code = max(code, exitOf(answer))
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
