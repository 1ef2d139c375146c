package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
)

func (c *command) emulator() *cobra.Command {
	var (
		addr, instances, certOut, policy string
		lag, changeTime, tagLag, latency time.Duration
		verbose                          bool
	)
	cmd := &cobra.Command{
		Use:   "emulate",
		Short: "Emulate the OpenAPI and the instances' TLS, until interrupted",
		Long: `Emulate the OpenAPI and the instances' TLS, until interrupted.

It prints one line for each address it listens on and takes requests signed with the
key pair emulator / emulator-secret, or the one in ALIBABA_CLOUD_ACCESS_KEY_ID and
ALIBABA_CLOUD_ACCESS_KEY_SECRET. GET /emulator/instances shows each instance with its
restarts and the address of its data plane, GET /emulator/calls how often each action was
called; POST /emulator/instances, /emulator/clock
{"Advance":"1h"} and /emulator/faults {"Action":"ModifyInstanceSSL","Kind":"throttle","Times":1}
change the world.`,
		Example: `  tairssl emulate --addr 127.0.0.1:8080 --cert-out ca.pem
  tairssl emulate --instances fleet.json --lag 1m --change-time 3m
  tairssl emulate --policy adapters/tair/policy.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := tairtest.Options{Keys: c.keys(), Lag: orNone(lag), ChangeTime: orNone(changeTime), TagLag: tagLag, Latency: latency}
			if verbose {
				o.Logf = func(format string, args ...any) { fmt.Fprintf(c.Stderr, format+"\n", args...) }
			}
			e, err := tairtest.New(o)
			if err != nil {
				return err
			}
			defer func() { _ = e.Close() }()
			fleet := tairtest.SampleFleet(e.Now())
			if instances != "" {
				if fleet, err = readFleet(instances); err != nil {
					return usageError{err}
				}
			}
			if err := e.Put(fleet...); err != nil {
				return usageError{err}
			}
			if policy != "" {
				document, err := os.ReadFile(policy)
				if err == nil {
					err = e.Policy(document)
				}
				if err != nil {
					return usageError{err}
				}
			}
			plain, err := e.ListenHTTP(addr)
			if err != nil {
				return err
			}
			host := addr[:strings.LastIndexByte(addr, ':')+1]
			secure, err := e.ListenHTTPS(host + "0")
			if err != nil {
				return err
			}
			if certOut != "" {
				if err := os.WriteFile(certOut, e.CAPEM(), 0o644); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.Stdout, "%s\n%s\n", plain, secure)
			<-cmd.Context().Done()
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&addr, "addr", "127.0.0.1:0", "address to listen on for http; https is on a free port")
	flags.StringVar(&instances, "instances", "", "JSON `file`: an array of instances (default: a small sample fleet)")
	flags.StringVar(&certOut, "cert-out", "", "`file` to write the CA of the https address to, as PEM")
	flags.DurationVar(&lag, "lag", 2*time.Second, "how long an accepted change does not show")
	flags.DurationVar(&changeTime, "change-time", 5*time.Second, "how long an instance then is SSLModifying")
	flags.DurationVar(&latency, "latency", 0, "how long every answer of the API takes at least")
	flags.DurationVar(&tagLag, "tag-lag", 0, "how long a tag that was set does not show")
	flags.StringVar(&policy, "policy", "", "`file` of a RAM policy, by which calls are allowed (default: all are)")
	flags.BoolVarP(&verbose, "verbose", "v", false, "log every call to standard error")
	return cmd
}

// orNone: the emulator's zero means its default, here it means none.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// keys are those that the emulator takes.
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
