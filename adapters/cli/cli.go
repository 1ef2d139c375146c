// Package cli is the command tairssl: one-off changes without a console, the
// real functions on this machine, and an emulated cloud to try both on.
//
// [Run] does the work with an environment that is handed to it; [Main] hands
// it this process's.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// Environment is what a run of the command sees of the world.
type Environment struct {
	Args    []string // without the command's name
	Program string   // the command's name, for commands that are printed; default tairssl
	Environ []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	// Ask and Color say that a person is there: to be asked, and to see colours
	// and progress.
	Ask, Color, Progress bool
	Version              string
	// Columns is how wide the terminal is; 0 if there is none.
	Columns int
	// Emulated says how the cloud of --emulate behaves.
	Emulated tairtest.Options
	// Transport sends messages to people; default that of notices.
	Transport http.RoundTripper
}

// Main runs the command in this process and returns its exit code.
func Main(version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	isTerminal := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	columns, _, _ := term.GetSize(int(os.Stdout.Fd())) // 0 for what is no terminal
	return Run(ctx, Environment{
		Args: os.Args[1:], Program: os.Args[0], Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Ask:      isTerminal(os.Stdin) && isTerminal(os.Stderr),
		Color:    isTerminal(os.Stdout) && !slices.ContainsFunc(os.Environ(), noColor),
		Progress: isTerminal(os.Stderr),
		Columns:  columns,
		Version:  version,
	})
}

// noColor is how a person says that colours are not wanted: https://no-color.org.
func noColor(entry string) bool {
	value, ok := strings.CutPrefix(entry, "NO_COLOR=")
	return ok && value != ""
}

// exit ends the command with a code and nothing more to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// usageError is a command that was called wrongly: exit code 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// command is one run.
type command struct {
	Environment
	output  string // table, wide or json
	region  string
	profile string // of the aliyun command; "" for what the environment says
	emulate bool
	source  string // where the credential in use comes from
}

// Run runs the command and returns its exit code: the worst of the results',
// 2 for wrong usage, 1 for any other error.
func Run(ctx context.Context, e Environment) int {
	c := &command{Environment: e}
	root := &cobra.Command{
		Use:   "tairssl",
		Short: "Keep the TLS certificates of ApsaraDB for Redis / Tair instances current",
		Long: `Keep the TLS certificates of ApsaraDB for Redis / Tair instances current.

Credentials are looked for in this order: --profile; the variables ALIBABA_CLOUD_ACCESS_KEY_ID
and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN
and ALIBABA_CLOUD_OIDC_TOKEN_FILE; the current profile of the aliyun command, or the one that
ALIBABA_CLOUD_PROFILE names; the role of the ECS instance that this runs on. Settings are
TAIRSSL_ variables (see adapters/function/README.md). No account at hand? Add --emulate.

Exit codes: 0 done or nothing to do, 2 wrong usage or request, 3 refused or declined,
4 no such instance, 5 busy or unavailable: try again, 6 unknown: look, 130 interrupted,
1 anything else.`,
		Example: `  tairssl status r-bp1zxszhcgatnx01 --emulate
  tairssl update r-bp1zxszhcgatnx01 --dry-run
  tairssl update r-bp1zxszhcgatnx01 --yes --wait 5m -o json`,
		Version:       e.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&c.output, "output", "o", "table", "`table` for people, wide with more columns where there are some, json for machines")
	flags.StringVar(&c.region, "region", "", "region `id` of the instances (default: all of TAIRSSL_REGION)")
	flags.StringVar(&c.profile, "profile", "", "`name` of a profile of the aliyun command, whose credential and region to use")
	flags.BoolVar(&c.emulate, "emulate", false, "work on an emulated cloud with a small sample fleet")
	complete(root, "output", "table", "wide", "json")
	complete(root, "region", tair.Regions()...)
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if c.output != "table" && c.output != "wide" && c.output != "json" {
			return usagef("-o takes table, wide or json, not %q", c.output)
		}
		if c.emulate && c.profile != "" {
			return usagef("--profile and --emulate exclude each other: the emulated cloud has its own credential")
		}
		return c.checkRegion()
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{nearestFlag(cmd, err)} })
	root.AddCommand(
		c.change(handler.Update, "Renew certificates that are due"),
		c.change(handler.Enable, "Switch encryption on"),
		c.change(handler.Disable, "Switch encryption off; for legacy instances there is no way back"),
		c.approve(), c.status(), c.plan(), c.ca(), c.sweep(), c.rehearse(), c.invoke(), c.serve(), c.sign(), c.doctor(), c.emulator(), c.demo(),
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			Run: func(*cobra.Command, []string) { fmt.Fprintln(c.Stdout, e.Version) },
		},
	)
	root.SetArgs(e.Args)
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	cmd, err := root.ExecuteContextC(ctx)

	if ctx.Err() != nil && cmd.Annotations[untilInterrupted] == "" {
		if !errors.As(err, new(exit)) && err != nil {
			fmt.Fprintln(e.Stderr, "tairssl: interrupted")
		}
		return interruptedCode
	}
	var code exit
	var usage usageError
	var failed *handler.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage), isCobraUsage(err):
		fmt.Fprintf(e.Stderr, "tairssl: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
		return handler.Invalid.ExitCode()
	case errors.As(err, &failed):
		fmt.Fprintf(e.Stderr, "tairssl: %v\n", failed)
		c.nameSource([]handler.Result{{Error: failed}})
		return failed.Kind.ExitCode()
	}
	fmt.Fprintf(e.Stderr, "tairssl: %v\n", err)
	return handler.Internal.ExitCode()
}

// atLeastOne asks for what is missing by its name.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("name at least one %s", what)
		}
		return nil
	}
}

// isCobraUsage knows cobra's own complaints about arguments, which have no type.
func isCobraUsage(err error) bool {
	for _, start := range []string{"unknown command", "accepts ", "requires at least", "required flag", "invalid argument"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

// complete offers a flag's values to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// Fails only for a flag that is not there; the shell then offers nothing.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// days is a moment and how far away it is, for people.
func days(t handler.Time, now time.Time) string {
	switch left := t.Sub(now); {
	case t.IsZero():
		return "-"
	case left < 0:
		return fmt.Sprintf("%s (%s ago)", t.Format(time.DateOnly), handler.Span(-left))
	default:
		return fmt.Sprintf("%s (in %s)", t.Format(time.DateOnly), handler.Span(left))
	}
}
