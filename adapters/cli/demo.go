package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

func (c *command) demo() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Send the sample events through both built functions, against an emulated cloud",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files, err := filepath.Glob(filepath.Join(dir, "direct-*.json"))
			if err != nil || len(files) == 0 {
				return usagef("no sample events in %s: name their folder with --events", dir)
			}
			return c.show(cmd.Context(), files)
		},
	}
	cmd.Flags().StringVar(&dir, "events", "events", "`folder` of the sample events")
	return cmd
}

// show runs every event on both functions, each over its own fleet, and then
// delivers the last one once more, to the other cloud.
func (c *command) show(ctx context.Context, files []string) error {
	e, err := tairtest.New(tairtest.Options{Lag: 300 * time.Millisecond, ChangeTime: 700 * time.Millisecond})
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	environ, clean, err := c.leadTo(e)
	if err != nil {
		return err
	}
	defer clean()
	// A real operator grants this; see TAIRSSL_ACTIONS.
	environ = append(environ, "TAIRSSL_ACTIONS=Update,Enable,Disable", "TAIRSSL_LEASE_PAUSE=300ms", "TAIRSSL_LOG_LEVEL=error")

	fmt.Fprintln(c.Stdout, "An emulated cloud answers over HTTPS; every certificate below is what a TLS client was served.")
	processes := map[localruntime.Cloud]*localruntime.Process{}
	for _, cloud := range []localruntime.Cloud{localruntime.Lambda, localruntime.FC} {
		if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
			return err
		}
		p, err := localruntime.Start(ctx, cloud, binary(cloud), localruntime.Options{Env: environ, Region: handler.DefaultRegion})
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		processes[cloud] = p
		fmt.Fprintf(c.Stdout, "\n%s\n", map[localruntime.Cloud]string{
			localruntime.Lambda: "AWS Lambda: dist/lambda/bootstrap, polling its runtime API",
			localruntime.FC:     "Function Compute: dist/fc/bootstrap, polling its runtime API",
		}[cloud])
		for _, file := range files {
			if err := c.demonstrate(ctx, e, p, file); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(c.Stdout, "\nThe same need once more, delivered to the other cloud: nothing restarts.")
	return c.demonstrate(ctx, e, processes[localruntime.Lambda], files[len(files)-1])
}

// demonstrate sends one event and prints what was asked, what came of it and
// what a TLS client sees.
func (c *command) demonstrate(ctx context.Context, e *tairtest.Emulator, p *localruntime.Process, file string) error {
	event, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	requests, _, err := handler.Decode(event)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	before := make([]string, len(requests))
	for i, r := range requests {
		before[i] = served(ctx, e, r.InstanceID)
	}
	answer, err := p.Invoke(ctx, event)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Stdout, "\n  %s\n", file)
	results := resultsOf(answer.Payload)
	if answer.Failed || len(results) != len(requests) {
		return fmt.Errorf("%s: %s: %s", file, answer.ErrorType, answer.ErrorMessage)
	}
	for i, r := range results {
		asked := requests[i]
		instance, _ := e.Instance(r.InstanceID)
		fmt.Fprintf(c.Stdout, "    asked    %s %s in %s%s\n    outcome  %s: %s\n    served   %s → %s\n    restarts %d\n",
			asked.SSLEnabled, asked.InstanceID, r.RegionID, map[bool]string{true: ", as a dry run"}[asked.DryRun],
			c.paint(colors[r.Outcome], string(r.Outcome)), r.Reason,
			before[i], served(ctx, e, r.InstanceID), instance.Restarts)
		if i < len(results)-1 {
			fmt.Fprintln(c.Stdout)
		}
	}
	return nil
}

// served is what a TLS client sees of an instance.
func served(ctx context.Context, e *tairtest.Emulator, id string) string {
	instance, ok := e.Instance(id)
	if !ok {
		return "no such instance"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var certificate *x509.Certificate
	var err error
	if certificate, err = tairtest.ServedCertificate(ctx, instance.DataPlane); err != nil {
		return "no TLS"
	}
	return "certificate until " + certificate.NotAfter.UTC().Format(time.RFC3339)
}
