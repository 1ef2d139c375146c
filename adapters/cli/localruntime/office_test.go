package localruntime_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/adapters/tair/tairtest"
)

// office is the setting of the chat tests: an emulated cloud with a latency, the hosts
// of the chat vendors, and processes of a real function, frozen between invocations.
type office struct {
	*tairtest.Emulator
	*vendors
	cloud localruntime.Cloud
	env   []string
	log   *output
}

func newOffice(t *testing.T, cloud localruntime.Cloud, latency time.Duration) *office {
	o := &office{vendors: newVendors(t), cloud: cloud, log: newOutput()}
	o.Emulator = tairtest.Emulate(t, tairtest.Options{Lag: 500 * time.Millisecond, ChangeTime: time.Second, Latency: latency}, tairtest.SampleFleet(time.Now())...)
	o.env = environment(slices.Concat(settingsFor(t, o.Emulator, o.ca), []string{"TAIRSSL_LEASE_PAUSE=300ms", "HTTPS_PROXY=" + o.proxy}, chatSettings)...)
	return o
}

// timed lets one test of onBothClouds run at a time. They measure how soon a chat is
// answered, so they must not compete for the processor.
var timed sync.Mutex

// onBothClouds runs a test on both clouds at the same time, because it mostly waits for
// the API. The two parts do not wait for a place among the parallel tests, because they
// take the longest time.
func onBothClouds(t *testing.T, test func(t *testing.T, cloud localruntime.Cloud)) {
	t.Helper()
	timed.Lock()
	defer timed.Unlock()
	var group sync.WaitGroup
	for _, cloud := range clouds {
		group.Go(func() { t.Run(string(cloud), func(t *testing.T) { test(t, cloud) }) })
	}
	group.Wait()
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

// send sends a message to a process and returns the text that people see. It fails if
// the answer takes longer than the platform waits.
func (o *office) send(t *testing.T, p *localruntime.Process, c client, s saying) string {
	t.Helper()
	before, began := o.count(c.later), time.Now()
	reply, err := p.Invoke(t.Context(), s.event(o.cloud == localruntime.FC))
	if took := time.Since(began); took > c.within {
		t.Errorf("%s gets its answer after %s, want within %s", c.name, took, c.within)
	} else {
		t.Logf("%s gets its answer after %s", c.name, took.Round(time.Millisecond))
	}
	if err != nil || reply.Failed {
		t.Fatalf("the answer is %s, %v\n%s", reply.Payload, err, o.log)
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

// answer returns the answer to a text. If the first answer contains promise, it waits
// for the second one.
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

// finished waits until the handed work of a process is done.
func finished(t *testing.T, p *localruntime.Process) {
	t.Helper()
	for _, d := range settled(t, p) {
		if d.Failure() != "" {
			t.Errorf("handed work failed: %s", d.Failure())
		}
	}
}

// logs waits until the log contains text. A log line takes a moment to arrive.
func (o *office) logs(t *testing.T, text string) {
	t.Helper()
	within(t, "the log", func(ctx context.Context) error { return o.log.wait(ctx, text) })
}

// keepsSecrets fails if the log contains a secret.
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
