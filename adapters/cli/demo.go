package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
)

// shown are the samples that the demo sends, in this order, with a title for each. Each
// sample starts with a fresh fleet. Only the last sample keeps the fleet: it repeats the
// request before it on the other cloud.
var shown = []struct {
	file, title string
	on          localruntime.Cloud // "" for the cloud that sends such events
	again       bool               // keep the fleet of the sample before
}{
	{file: "direct-update.json", title: "A request by hand: the instance is changed, and the change is watched to its end"},
	{file: "eventbridge-acm-approaching.json", title: "EventBridge: ACM reports that the certificate of a Tair endpoint expires"},
	{file: "sqs.json", title: "A queue with one unreadable record: the other records are handled, and no record comes back"},
	{file: "apigateway-http.json", title: "Alertmanager over HTTP, with its token"},
	{file: "stream-strings.json", title: "A Kafka stream on Function Compute: one instance is due, one is not"},
	{file: "timer.json", title: "The same request again, from a timer on the other cloud: nothing restarts", on: localruntime.Lambda, again: true},
}

func (c *command) demo() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Send sample events to both built functions, with an emulated cloud",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(filepath.Join(dir, shown[0].file)); err != nil {
				return usagef("no sample events in %s: name their folder with --events", dir)
			}
			return c.show(cmd.Context(), dir)
		},
	}
	cmd.Flags().StringVar(&dir, "events", "events", "`folder` of the sample events")
	return cmd
}

func (c *command) show(ctx context.Context, dir string) error {
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
	environ = append(environ, function.Prefix+"LEASE_PAUSE=300ms", function.Prefix+"LOG_LEVEL=error")

	fmt.Fprintln(c.Stdout, "The real functions run under their clouds' runtime APIs, and an emulated Alibaba Cloud answers them over HTTPS.\nA TLS client read every certificate below from the instance itself.")
	processes := map[localruntime.Cloud]*localruntime.Process{}
	for _, cloud := range []localruntime.Cloud{localruntime.Lambda, localruntime.FC} {
		p, err := localruntime.Start(ctx, cloud, binary(cloud), localruntime.Options{Env: environ, Freeze: true})
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		processes[cloud] = p
	}
	for _, s := range shown {
		if !s.again {
			// Each sample gets new instances. The processes remember leases from the
			// sample before. These leases do not hold the new instances back.
			if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
				return err
			}
		}
		if err := c.demonstrate(ctx, e, processes, filepath.Join(dir, s.file), s.title, s.on); err != nil {
			return err
		}
	}
	return nil
}

// demonstrate sends one event, and prints the results and the certificates that a TLS
// client sees.
func (c *command) demonstrate(ctx context.Context, e *tairtest.Emulator, processes map[localruntime.Cloud]*localruntime.Process, file, title string, cloud localruntime.Cloud) error {
	event, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if cloud == "" {
		cloud = sentBy(event)
	}
	before := map[string]string{}
	restarts := map[string]int{}
	for _, i := range e.Instances() {
		before[i.InstanceID], restarts[i.InstanceID] = servedBy(ctx, e, i.InstanceID), i.Restarts
	}
	answer, err := processes[cloud].Invoke(ctx, event)
	if err != nil {
		return err
	}
	if answer.Failed {
		return fmt.Errorf("%s: %s: %s", file, answer.ErrorType, answer.ErrorMessage)
	}
	fmt.Fprintf(c.Stdout, "\n%s\n  %s → dist/%s/bootstrap\n", c.paint(text.Bold, title), file, cloud)
	results := resultsOf(answer.Payload)
	for _, r := range results {
		fmt.Fprintf(c.Stdout, "  %s %s %s: %s\n", r.InstanceID, r.SSLEnabled, c.paint(colors[r.Outcome], string(r.Outcome)), r.Reason)
	}
	if len(results) == 0 {
		fmt.Fprintf(c.Stdout, "  answered %s\n", answer.Payload)
	}
	e.Advance(time.Minute) // the changes that nobody watched are complete then
	for _, i := range e.Instances() {
		if n := i.Restarts - restarts[i.InstanceID]; n > 0 {
			fmt.Fprintf(c.Stdout, "  %s restarted %s; served: %s → %s\n", i.InstanceID, counted(n, "time", "times"), before[i.InstanceID], servedBy(ctx, e, i.InstanceID))
		}
	}
	return nil
}

// servedBy describes the certificate that a TLS client sees.
func servedBy(ctx context.Context, e *tairtest.Emulator, id string) string {
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
