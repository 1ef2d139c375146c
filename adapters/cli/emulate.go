package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
)

// emulation holds the flags of emulate.
type emulation struct {
	addr, instances, certOut, policy string
	verbose                          bool
	options                          tairtest.Options
}

func (c *command) emulator() *cobra.Command {
	var e emulation
	cmd := &cobra.Command{
		Use:   "emulate",
		Short: "Emulate the OpenAPI and the instances' TLS, until interrupted",
		Long: `Emulate the OpenAPI and the instances' TLS, until interrupted.

It prints the addresses that it listens on, first http, then https. Then it prints lines to paste
into another shell, so that the commands of that shell use this cloud. It accepts requests that
are signed with the key pair emulator / emulator-secret, or with the key pair in
ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.

These paths show the emulated cloud (GET) and change it (POST):
  /emulator/instances      each instance with its restarts and the address of its Redis server
  /emulator/clock          {"Advance":"1h"} moves the clock; {"Skew":"8m"} makes the Date of answers wrong
  /emulator/faults         {"Action":"ModifyInstanceSSL","Kind":"throttle","Times":1}, or "Share":0.1
  /emulator/quotas         {"Action":"TagResources","Calls":20,"Window":"1m"}; 0 calls remove the quota
  /emulator/stale-reads    {"StaleReads":"10m"}
  /emulator/stale-serving  {"StaleServing":"10m"}: TLS clients get the certificate of 10m ago
  /emulator/ca             {"Rotate":true}: from now on a new CA signs the certificates
  /emulator/tag-policy     {"Keys":["tairssl-*"]}: the API refuses these tags
  /emulator/policy         a RAM policy; only the calls that it allows succeed (POST only)
  /emulator/calls          how often each action was called (GET only)`,
		Example: `  tairssl emulate --addr 127.0.0.1:8080 --cert-out ca.pem
  tairssl emulate --instances fleet.json --lag 1m --change-time 3m
  tairssl emulate --tag-lag 2s --tag-lag-min 100ms --stale 10m --seed 7
  tairssl emulate --policy adapters/tair/policy.json`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{untilInterrupted: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.complement(&e, cmd)
			return c.runEmulator(cmd.Context(), e)
		},
	}
	e.register(cmd)
	return cmd
}

// complement sets the options that have no flag. It also corrects the times: for a flag, 0
// means none, but for the emulator, 0 means the default.
func (c *command) complement(e *emulation, cmd *cobra.Command) {
	o := &e.options
	o.Keys, o.Lag, o.ChangeTime = c.keys(), orNone(o.Lag), orNone(o.ChangeTime)
	if cmd.Flags().Changed("lag-min") {
		o.LagMin = orNone(o.LagMin)
	}
	if cmd.Flags().Changed("tag-lag-min") {
		o.TagLagMin = orNone(o.TagLagMin)
	}
	if e.verbose {
		o.Logf = func(format string, args ...any) { fmt.Fprintf(c.Stderr, format+"\n", args...) }
	}
}

func (e *emulation) register(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &e.options
	flags.StringVar(&e.addr, "addr", "127.0.0.1:0", "address to listen on for http; https gets a free port")
	flags.StringVar(&e.instances, "instances", "", "JSON `file`: an array of instances (default: a small sample fleet)")
	flags.StringVar(&e.certOut, "cert-out", "", "`file` to write the CA of the https address to, as PEM")
	flags.StringVar(&e.policy, "policy", "", "`file` of a RAM policy; only the calls that it allows succeed (default: all calls)")
	flags.DurationVar(&o.Lag, "lag", 2*time.Second, "how long an accepted change is not visible")
	flags.DurationVar(&o.LagMin, "lag-min", 0, "draw each lag at random between this and --lag (default: always --lag)")
	flags.DurationVar(&o.ChangeTime, "change-time", 5*time.Second, "how long the instance is then SSLModifying")
	flags.DurationVar(&o.TagLag, "tag-lag", 0, "how long setting or removing a tag is not visible")
	flags.DurationVar(&o.TagLagMin, "tag-lag-min", 0, "draw the lag of each tag at random between this and --tag-lag (default: always --tag-lag)")
	flags.DurationVar(&o.StaleReads, "stale", 0, "answer reads with a status and a certificate that are up to this old")
	flags.DurationVar(&o.Latency, "latency", 0, "the least time that each answer of the API takes")
	flags.DurationVar(&o.DateSkew, "date-skew", 0, "how far the header Date of each answer is ahead of the clock; negative: behind")
	flags.BoolVar(&o.Central, "central", false, "find an instance by its id also through another region of the same endpoint, as the central endpoint does")
	flags.BoolVar(&o.NoQuotas, "no-quotas", false, "do not enforce the published quotas")
	flags.Uint64Var(&o.Seed, "seed", 0, "draw the same random values as an earlier run with this seed (default: from the clock; -v prints it)")
	flags.BoolVarP(&e.verbose, "verbose", "v", false, "log the seed and then each call to standard error")
}

// runEmulator runs an emulated cloud until the context ends.
func (c *command) runEmulator(ctx context.Context, asked emulation) error {
	e, err := tairtest.New(asked.options)
	if err != nil {
		return usageError{err}
	}
	defer func() { _ = e.Close() }()
	if err := asked.furnish(e); err != nil {
		return usageError{err}
	}
	plain, err := e.ListenHTTP(asked.addr)
	if err != nil {
		return err
	}
	host := asked.addr[:strings.LastIndexByte(asked.addr, ':')+1]
	secure, err := e.ListenHTTPS(host + "0")
	if err != nil {
		return err
	}
	if asked.certOut != "" {
		if err := os.WriteFile(asked.certOut, e.CAPEM(), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.Stdout, "%s\n%s\n", plain, secure)
	fmt.Fprint(c.Stdout, exports(plain))
	<-ctx.Done()
	return nil
}

// exports are lines for a shell. The commands of that shell then use the emulated cloud.
func exports(endpoint string) string {
	return fmt.Sprintf(`export %[1]sENDPOINT=%[2]s %[1]sSTS_ENDPOINT=%[2]s
export ALIBABA_CLOUD_ACCESS_KEY_ID=emulator ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret
`, function.Prefix, endpoint)
}

// furnish gives the emulator the fleet and the policy that the flags name.
func (asked emulation) furnish(e *tairtest.Emulator) error {
	fleet := tairtest.SampleFleet(e.Now())
	if asked.instances != "" {
		var err error
		if fleet, err = readFleet(asked.instances); err != nil {
			return err
		}
	}
	if err := e.Put(fleet...); err != nil {
		return err
	}
	if asked.policy == "" {
		return nil
	}
	document, err := os.ReadFile(asked.policy)
	if err != nil {
		return err
	}
	return e.Policy(document)
}

// orNone translates a flag's 0 for the emulator, where a negative time means none.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// keys are the key pairs that the emulator accepts.
func (c *command) keys() map[string]string {
	keys := map[string]string{"emulator": "emulator-secret"}
	get := function.Getenv(c.Environ)
	id, secret := get("ALIBABA_CLOUD_ACCESS_KEY_ID"), get("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	if id != "" && secret != "" {
		keys[id] = secret
	}
	return keys
}

func readFleet(path string) (fleet []tairtest.Instance, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if fleet, err = tairtest.DecodeInstances(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return fleet, nil
}
