package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/adapters/cli/rehearsal"
	"tairssl/adapters/tair/tairtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(runCommand())
	}
	runtimetest.Main(m, 8)
}

const id = "r-bp1zxszhcgatnx01"

// quick is a cloud in which a change is visible and complete after a short time.
var quick = tairtest.Options{Lag: 100 * time.Millisecond, ChangeTime: 100 * time.Millisecond}

// fast has short intervals for a rehearsal on a quick cloud.
var fast = rehearsal.Options{Poll: 50 * time.Millisecond, PingEvery: 20 * time.Millisecond, Settle: 500 * time.Millisecond}

// shell runs commands on an emulated cloud, with or without a terminal.
type shell struct {
	t *testing.T
	*tairtest.Emulator
	environ   []string
	ask       bool
	rehearsal rehearsal.Options
}

func newShell(t *testing.T) *shell { return newShellOn(t, quick) }

// newShellOn is a shell on a cloud with these options and instances; without instances it
// has the sample fleet.
func newShellOn(t *testing.T, o tairtest.Options, instances ...tairtest.Instance) *shell {
	t.Helper()
	if len(instances) == 0 {
		instances = tairtest.SampleFleet(time.Now())
	}
	e, url := tairtest.Start(t, o, instances...)
	return &shell{t: t, Emulator: e, environ: []string{"TAIRSSL_ENDPOINT=" + url, "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true", "TAIRSSL_LEASE_PAUSE=50ms",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}}
}

func (s *shell) run(input string, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(context.Background(), cli.Environment{Args: args, Environ: s.environ, Emulated: quick, Rehearsal: s.rehearsal, Stdin: strings.NewReader(input), Stdout: &out, Stderr: &errs, Ask: s.ask, Version: "v1"})
	return code, out.String(), errs.String()
}

// called makes a log of an emulator, and a channel that closes at the first call of an
// action.
func called(action string) (<-chan struct{}, func(format string, args ...any)) {
	first := make(chan struct{})
	once := sync.OnceFunc(func() { close(first) })
	return first, func(format string, args ...any) {
		if strings.Contains(fmt.Sprintf(format, args...), action) {
			once()
		}
	}
}

func (s *shell) restarts() int {
	i, _ := s.Instance(id)
	return i.Restarts
}

// until is a writer that calls a function after a number of lines.
type until struct {
	bytes.Buffer
	want    int
	reached func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Buffer.Write(b)
	if strings.Count(u.String(), "\n") >= u.want {
		u.reached()
	}
	return n, err
}
