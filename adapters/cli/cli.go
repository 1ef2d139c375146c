// Package cli is the command tairssl: changes of single instances without a console, the
// real functions on this machine, and an emulated cloud for both.
//
// [Run] does the work in an [Environment] that the caller passes. [Main] passes the
// environment of this process.
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

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tairssl/adapters/cli/rehearsal"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// Environment is everything that a run of the command uses from outside.
type Environment struct {
	Args    []string // without the command's name
	Program string   // the command's name, for commands that are printed; default tairssl
	Environ []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	// Ask is set if a person can answer questions, Color if the output may have colors,
	// and Progress if progress is shown.
	Ask, Color, Progress bool
	Version              string
	// Columns is the width of the terminal; 0 if there is none.
	Columns int
	// Emulated are the options of the cloud that --emulate starts.
	Emulated tairtest.Options
	// Rehearsal has the intervals of a rehearsal; zero for the defaults.
	Rehearsal rehearsal.Options
	// Transport sends messages to people; nil for the default of package notify.
	Transport http.RoundTripper
}

// Main runs the command in this process and returns its exit code.
func Main(version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	isTerminal := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	columns, _, _ := term.GetSize(int(os.Stdout.Fd())) // 0 if standard output is not a terminal
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

// noColor recognizes the variable by which people switch colors off:
// https://no-color.org.
func noColor(entry string) bool {
	value, ok := strings.CutPrefix(entry, "NO_COLOR=")
	return ok && value != ""
}

// command is one run of the command.
type command struct {
	Environment
	output  string // table, wide or json
	region  string
	profile string // a profile of the aliyun command; "" for the credential of the environment
	emulate bool
	source  string // describes where the credential in use comes from
}

// Run runs the command and returns its exit code: the worst code of all results, 2 for
// wrong usage, 1 for every other error.
func Run(ctx context.Context, e Environment) int {
	c := &command{Environment: e}
	cmd, err := c.root().ExecuteContextC(ctx)
	if ctx.Err() != nil && cmd.Annotations[untilInterrupted] == "" {
		if err != nil && !errors.As(err, new(exit)) {
			fmt.Fprintln(e.Stderr, "tairssl: interrupted")
		}
		return interruptedCode
	}
	return c.exitCode(cmd, err)
}

// exitCode prints an error of a command and returns the exit code for it.
func (c *command) exitCode(cmd *cobra.Command, err error) int {
	var code exit
	var failed *handler.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case isUsage(err):
		fmt.Fprintf(c.Stderr, "tairssl: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
		return handler.Invalid.ExitCode()
	case errors.As(err, &failed):
		fmt.Fprintf(c.Stderr, "tairssl: %v\n", failed)
		c.nameSource([]handler.Result{{Error: failed}})
		return failed.Kind.ExitCode()
	}
	fmt.Fprintf(c.Stderr, "tairssl: %v\n", err)
	return handler.Internal.ExitCode()
}

// root is the whole command, with its subcommands.
func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tairssl",
		Short: "Keep the TLS certificates of ApsaraDB for Redis / Tair instances current",
		Long: `Keep the TLS certificates of ApsaraDB for Redis / Tair instances current.

tairssl looks for a credential in this order:
  1. --profile
  2. ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or
     ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE
  3. the profile of the aliyun command that ALIBABA_CLOUD_PROFILE names, or else its current one
  4. the role of the ECS instance that tairssl runs on
Settings are environment variables that begin with TAIRSSL_: see adapters/function/README.md.
You have no account? Add --emulate.

Exit codes: 0 done or nothing to do, 2 wrong usage or request, 3 refused or not confirmed,
4 no such instance, 5 busy or unavailable: try again, 6 unknown: look at the instance,
130 interrupted, 1 any other error.`,
		Example: `  tairssl status r-bp1zxszhcgatnx01 --emulate
  tairssl update r-bp1zxszhcgatnx01 --dry-run
  tairssl update r-bp1zxszhcgatnx01 --yes --wait 5m -o json`,
		Version:           c.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.checkFlags() },
	}
	c.registerFlags(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{nearestFlag(cmd, err)} })
	root.AddCommand(
		c.change(handler.Update, "Renew certificates that are due"),
		c.change(handler.Enable, "Switch encryption on"),
		c.change(handler.Disable, "Switch encryption off; legacy instances can never switch it on again"),
		c.approve(), c.status(), c.plan(), c.ca(), c.sweep(), c.rehearse(), c.invoke(), c.serve(), c.sign(), c.doctor(), c.emulator(), c.demo(),
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			Run: func(*cobra.Command, []string) { fmt.Fprintln(c.Stdout, c.Version) },
		},
	)
	root.SetArgs(c.Args)
	root.SetIn(c.Stdin)
	root.SetOut(c.Stdout)
	root.SetErr(c.Stderr)
	return root
}

// registerFlags registers the flags of all commands.
func (c *command) registerFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVarP(&c.output, "output", "o", "table", "`format` of the output: table, wide (a table with all columns) or json")
	flags.StringVar(&c.region, "region", "", "region `id` of the instances (default: all regions of TAIRSSL_REGION)")
	flags.StringVar(&c.profile, "profile", "", "`name` of a profile of the aliyun command: use its credential and its region")
	flags.BoolVar(&c.emulate, "emulate", false, "use an emulated cloud with a small sample fleet")
	complete(root, "output", "table", "wide", "json")
	complete(root, "region", tair.Regions()...)
}

// checkFlags checks the flags of all commands.
func (c *command) checkFlags() error {
	if c.output != "table" && c.output != "wide" && c.output != "json" {
		return usagef("-o takes table, wide or json, not %q", c.output)
	}
	if c.emulate && c.profile != "" {
		return usagef("--profile does not go with --emulate: the emulated cloud has its own credential")
	}
	return c.checkRegion()
}

// atLeastOne requires at least one argument. noun says what an argument is.
func atLeastOne(noun string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("name at least one %s", noun)
		}
		return nil
	}
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// It fails only if the flag does not exist; the shell then offers nothing.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
