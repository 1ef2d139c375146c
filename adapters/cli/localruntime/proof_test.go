package localruntime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// place is an emulated cloud that several processes share.
type place struct {
	t *testing.T
	*tairtest.Emulator
	environ []string
}

func newPlace(t *testing.T, instances ...tairtest.Instance) *place {
	t.Helper()
	e := tairtest.Emulate(t, tairtest.Options{Lag: 100 * time.Millisecond, ChangeTime: 100 * time.Millisecond}, instances...)
	return &place{t, e, append(settingsFor(t, e, nil), "TAIRSSL_WINDOW=any")}
}

// invoke sends one payload to a new process of the function on a cloud.
func (p *place) invoke(cloud localruntime.Cloud, payload string, settings ...string) []byte {
	p.t.Helper()
	env := environment(append(append([]string{}, p.environ...), settings...)...)
	process, err := localruntime.Start(context.Background(), cloud, runtimetest.Function(p.t, cloud), localruntime.Options{Env: env, Stderr: &bytes.Buffer{}, Timeout: deadline, Freeze: true})
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = process.Close() }()
	answer, err := process.Invoke(context.Background(), []byte(payload))
	if err != nil || answer.Failed {
		p.t.Fatalf("%s answers %s %s, %v", cloud, answer.Payload, answer.ErrorMessage, err)
	}
	return answer.Payload
}

func (p *place) ask(cloud localruntime.Cloud, payload string, settings ...string) (r handler.Result) {
	p.t.Helper()
	if answer := p.invoke(cloud, payload, settings...); json.Unmarshal(answer, &r) != nil {
		p.t.Fatalf("%s answers %s", cloud, answer)
	}
	return r
}

func (p *place) sweep(cloud localruntime.Cloud, settings ...string) (r fleet.Result) {
	p.t.Helper()
	if answer := p.invoke(cloud, `{"Sweep":{}}`, settings...); json.Unmarshal(answer, &r) != nil {
		p.t.Fatalf("%s answers %s", cloud, answer)
	}
	return r
}

func (p *place) restarts() (n int) {
	for _, i := range p.Instances() {
		n += i.Restarts
	}
	return n
}

// dueInstances makes n due instances, the most urgent first.
func dueInstances(e time.Time, n int) (all []tairtest.Instance) {
	for i := range n {
		all = append(all, tairtest.Instance{InstanceID: fmt.Sprintf("r-bp1due%02d", i), SSLExpiredTime: e.Add(time.Duration(5+i) * 24 * time.Hour).UTC().Format(time.RFC3339)})
	}
	return all
}

// With TAIRSSL_VERIFY=tls the served certificate decides whether a change is verified,
// not the answer of the API.
func TestRealFunctionsVerifyByAHandshake(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, dueInstances(time.Now(), 2)...)
			const request = `{"InstanceId":"r-bp1due%02d","SSLEnabled":"Update","Wait":"%s"}`
			p.StaleServing(time.Hour)
			r := p.ask(cloud, fmt.Sprintf(request, 0, "2s"), "TAIRSSL_VERIFY=tls")
			if i, _ := p.Instance("r-bp1due00"); r.Outcome != handler.Accepted || !r.Alert || r.After != nil || i.Restarts != 1 ||
				!strings.Contains(r.Reason, "the API says that it is done, but it is not verified: a TLS client is served the certificate that expires "+r.Before.SSLExpiredTime.String()+", and not the one that expires "+i.SSLExpiredTime) {
				t.Errorf("while the old certificate is served the change ends %s (alert %t): %s", r.Outcome, r.Alert, r.Reason)
			}
			if r := p.ask(cloud, fmt.Sprintf(request, 0, "2s"), "TAIRSSL_VERIFY=tls"); r.Outcome != handler.Unchanged {
				t.Errorf("a second delivery ends %s: %s", r.Outcome, r.Reason)
			}
			p.StaleServing(0)
			r = p.ask(cloud, fmt.Sprintf(request, 1, "20s"), "TAIRSSL_VERIFY=tls")
			i, _ := p.Instance("r-bp1due01")
			served, err := tairtest.ServedCertificate(context.Background(), i.DataPlane)
			if err != nil || r.Outcome != handler.Verified || r.Alert || r.After == nil || !r.After.SSLExpiredTime.Equal(served.NotAfter) {
				t.Errorf("when the new certificate is served the change ends %s (alert %t) with %+v: %s, %v", r.Outcome, r.Alert, r.After, r.Reason, err)
			}
		})
	}
}

// The first change of a sweep shows a new CA. This sweep stops, and so do later sweeps
// of both clouds, until the new CA is accepted.
func TestRealFunctionsStopWhereTheCAChanged(t *testing.T) {
	t.Parallel()
	p := newPlace(t, dueInstances(time.Now(), 5)...)
	if err := p.RotateCA(); err != nil {
		t.Fatal(err)
	}
	first := p.sweep(localruntime.Lambda, "TAIRSSL_CA_CHECK=1")
	if o := first.Summary.Outcomes; p.restarts() != 1 || o[handler.Verified] != 1 || o[handler.Deferred] != 4 {
		t.Fatalf("the first sweep ended %v after %d restarts", o, p.restarts())
	}
	canary := first.Results[len(first.Results)-1]
	i, _ := p.Instance("r-bp1due00")
	if canary.InstanceID != i.InstanceID || !canary.Alert || canary.CA == nil || !canary.CA.Changed || canary.CA.Before == canary.CA.After || i.Tags[handler.CAChangedTag] != canary.CA.After ||
		!strings.Contains(canary.Reason, "CA changed: clients that trust only the old one cannot connect (SHA-256 before "+canary.CA.Before+", now "+canary.CA.After+")") {
		t.Fatalf("the canary ended with the CA %+v (alert %t) and the tags %v: %s", canary.CA, canary.Alert, i.Tags, canary.Reason)
	}
	for _, cloud := range clouds {
		p.Advance(time.Hour)
		later := p.sweep(cloud, "TAIRSSL_CA_CHECK=1")
		if o := later.Summary.Outcomes; p.restarts() != 1 || o[handler.Deferred] != 4 || !later.Results[0].Alert || !strings.Contains(later.Results[0].Reason, "TAIRSSL_CA_ACCEPT="+canary.CA.After) {
			t.Errorf("a later sweep on %s ended %v after %d restarts: %s", cloud, o, p.restarts(), later.Results[0].Reason)
		}
		event := p.ask(cloud, `{"InstanceId":"r-bp1due01","SSLEnabled":"Update","Automatic":true}`, "TAIRSSL_CA_CHECK=1")
		if event.Outcome != handler.Deferred || !event.Alert || p.restarts() != 1 {
			t.Errorf("an automatic request on %s ended %s (alert %t) after %d restarts: %s", cloud, event.Outcome, event.Alert, p.restarts(), event.Reason)
		}
	}
	p.Advance(time.Hour)
	last := p.sweep(localruntime.FC, "TAIRSSL_CA_CHECK=1", "TAIRSSL_WAIT=20s", "TAIRSSL_CA_ACCEPT="+canary.CA.After)
	if o := last.Summary.Outcomes; p.restarts() != 5 || o[handler.Verified] != 4 {
		t.Errorf("with the new CA accepted a sweep ended %v after %d restarts", o, p.restarts())
	}
	if i, _ := p.Instance("r-bp1due00"); i.Tags[handler.CAChangedTag] != "" {
		t.Errorf("the canary still has the tags %v", i.Tags)
	}
}

// A feature that is switched off makes no call. The reads that watch a change are not
// counted, because their number depends on the time.
func TestFeaturesThatAreOffMakeNoCalls(t *testing.T) {
	t.Parallel()
	want := map[string]int{"DescribeInstances": 1, "TagResources": 3, "UntagResources": 0, "ModifyInstanceSSL": 3, "DescribeActiveOperationTasks": 6}
	for _, cloud := range clouds {
		p := newPlace(t, append(dueInstances(time.Now(), 3), tairtest.Instance{InstanceID: "r-bp1fresh"})...)
		if swept := p.sweep(cloud); p.restarts() != 3 {
			t.Fatalf("the sweep ended %v after %d restarts", swept.Summary.Outcomes, p.restarts())
		}
		got := map[string]int{}
		for action := range want {
			got[action] = p.Calls(action)
		}
		if !maps.Equal(got, want) {
			t.Errorf("a sweep on %s made the calls %v, want %v", cloud, got, want)
		}
	}
}
