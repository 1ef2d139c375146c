package localruntime_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/adapters/tair/tairtest"
)

// office is where people chat: an emulated cloud each of whose calls takes so long, the
// vendors' hosts, and the real functions' processes, frozen between invocations.
type office struct {
	*tairtest.Emulator
	*vendors
	cloud localruntime.Cloud
	env   []string
	log   *output
}

func newOffice(t *testing.T, cloud localruntime.Cloud, latency time.Duration) *office {
	o := &office{vendors: newVendors(t), cloud: cloud, log: newOutput()}
	var err error
	o.Emulator, err = tairtest.New(tairtest.Options{Lag: 500 * time.Millisecond, ChangeTime: time.Second, Latency: latency})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Emulator.Close() })
	if err := o.Put(tairtest.SampleFleet(o.Now())...); err != nil {
		t.Fatal(err)
	}
	endpoint, err := o.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, append(o.CAPEM(), o.ca...), 0o600); err != nil {
		t.Fatal(err)
	}
	o.env = environment(append([]string{
		"TAIRSSL_ENDPOINT=" + endpoint, "TAIRSSL_CA_FILE=" + ca, "TAIRSSL_LEASE_PAUSE=300ms", "HTTPS_PROXY=" + o.proxy,
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret",
	}, chatSettings...)...)
	return o
}

// onBothClouds runs a test on each cloud, at the same time: it waits for the API, mostly.
func onBothClouds(t *testing.T, test func(t *testing.T, cloud localruntime.Cloud)) {
	t.Helper()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
			test(t, cloud)
		})
	}
}

// process starts another process of the function.
func (o *office) process(t *testing.T) *localruntime.Process {
	t.Helper()
	p, err := localruntime.Start(t.Context(), o.cloud, runtimetest.Function(t, o.cloud), localruntime.Options{Env: o.env, Stderr: o.log, Timeout: deadline, Freeze: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// send has a process answer a message, in the time that its platform allows, and gives
// what people see.
func (o *office) send(t *testing.T, p *localruntime.Process, c client, s saying) string {
	t.Helper()
	before, began := o.count(c.later), time.Now()
	reply, err := p.Invoke(t.Context(), s.event(o.cloud == localruntime.FC))
	if took := time.Since(began); took > c.within {
		t.Errorf("%s is answered after %s, and not within %s", c.name, took, c.within)
	} else {
		t.Logf("%s: answered after %s", c.name, took.Round(time.Millisecond))
	}
	if err != nil || reply.Failed {
		t.Fatalf("it is answered %s, %v\n%s", reply.Payload, err, o.log)
	}
	body, err := bodyOf(reply.Payload)
	switch {
	case err != nil:
		t.Fatalf("%v\n%s", err, o.log)
	case !c.shows:
		return o.told(t, c.later, before)
	case c.reads != nil:
		return c.reads(body)
	}
	return body
}

// answer is that to a text, which comes later if the first one promises that.
func (o *office) answer(t *testing.T, p *localruntime.Process, c client, text, promise string) string {
	t.Helper()
	n := o.count(c.later)
	if c.posted {
		n++
	}
	answer := o.send(t, p, c, c.says(text))
	if strings.Contains(answer, promise) {
		return o.told(t, c.later, n)
	}
	return answer
}

// finished waits until a process has done what it handed over.
func finished(t *testing.T, p *localruntime.Process) {
	t.Helper()
	for _, d := range settled(t, p) {
		if d.Failure() != "" {
			t.Errorf("handed work fails: %s", d.Failure())
		}
	}
}

// logs waits until the log has a text: what is written takes a moment to arrive.
func (o *office) logs(t *testing.T, text string) {
	t.Helper()
	within(t, "the log", func(ctx context.Context) error { return o.log.wait(ctx, text) })
}

// keepsSecrets fails if the log shows one.
func (o *office) keepsSecrets(t *testing.T, more ...string) {
	t.Helper()
	o.logs(t, `"msg":"invocation"`)
	log := o.log.String()
	for _, secret := range append(more, chatSecrets...) {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %s:\n%s", secret, log)
		}
	}
}
