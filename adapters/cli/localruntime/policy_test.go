package localruntime_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// sweptOne sweeps and returns the result for one instance, or the zero value.
func sweptOne(t *testing.T, p *localruntime.Process, id string) (r handler.Result) {
	t.Helper()
	answer, err := p.Invoke(t.Context(), []byte(`{"Sweep":{}}`))
	var all struct{ Results []handler.Result }
	if err != nil || answer.Failed || json.Unmarshal(answer.Payload, &all) != nil {
		t.Fatalf("the answer to the sweep is %s, %v", answer.Payload, err)
	}
	for _, result := range all.Results {
		if result.InstanceID == id {
			return result
		}
	}
	return r
}

// until moves the API's clock forward to a time.
func until(e *tairtest.Emulator, at time.Time) { e.Advance(at.Sub(e.Now())) }

// restarts returns the restarts of an instance.
func restarts(e *tairtest.Emulator, id string) int {
	i, _ := e.Instance(id)
	return i.Restarts
}

// A person approves a change in a chat with one real function. The other cloud's
// function makes the change in the next maintenance window, once. The approval does not
// cover the next certificate.
func TestAnApprovalInOneProcessActsInAnother(t *testing.T) {
	t.Parallel()
	onBothClouds(t, func(t *testing.T, cloud localruntime.Cloud) {
		o := newOffice(t, cloud, 0)
		other := &office{Emulator: o.Emulator, vendors: o.vendors, cloud: localruntime.Lambda, log: o.log}
		if cloud == localruntime.Lambda {
			other.cloud = localruntime.FC
		}
		opens := time.Now().UTC().Truncate(time.Hour).Add(3 * time.Hour)
		o.env = append(o.env, "TAIRSSL_APPROVAL=required", "TAIRSSL_WAIT=1s", "TAIRSSL_INSTANCES=r-care*", "TAIRSSL_WINDOW="+opens.Format("15:04")+"-"+opens.Add(time.Hour).Format("15:04"))
		other.env = o.env
		chat, sweeper := o.process(t), other.process(t)
		for name, who := range map[string]string{"slack": "slack:U1", "feishu": "feishu:U1", "wecom": "wecom:U1"} {
			o.approves(t, chat, sweeper, clientOf(t, name), "r-care"+name, who, opens)
		}
		until(o.Emulator, opens.Add(time.Minute))
		for n := range 3 { // a sweep that watches its first change to the end may leave others to the next one
			sweptOne(t, sweeper, "r-careslack")
			o.Advance(time.Duration(n+1) * time.Minute)
		}
		for _, id := range []string{"r-careslack", "r-carefeishu", "r-carewecom"} {
			i, _ := o.Instance(id)
			if i.Restarts != 1 {
				t.Errorf("in the window %s restarted %d times, want once\n%s", id, i.Restarts, o.log)
			}
		}
		i, _ := o.Instance("r-careslack")
		next, _ := handler.ParseTime(i.SSLExpiredTime)
		until(o.Emulator, next.AddDate(0, 0, -10).Truncate(24*time.Hour).Add(opens.Sub(opens.Truncate(24*time.Hour))+time.Minute))
		if r := sweptOne(t, sweeper, "r-careslack"); r.Outcome != handler.Deferred || restarts(o.Emulator, "r-careslack") != 1 || !strings.Contains(r.Reason, "approve") {
			t.Errorf("for the next certificate the sweep ends %s: %s, after %d restarts", r.Outcome, r.Reason, restarts(o.Emulator, "r-careslack"))
		}
		o.keepsSecrets(t)
	})
}

// approves lets a person approve the renewal of an instance before the window opens.
func (o *office) approves(t *testing.T, chat, sweeper *localruntime.Process, c client, id, who string, opens time.Time) {
	t.Helper()
	if err := o.Put(tairtest.Instance{InstanceID: id, SSLExpiredTime: handler.At(o.Now().AddDate(0, 0, 20)).String()}); err != nil {
		t.Fatal(err)
	}
	if r := sweptOne(t, sweeper, id); r.Outcome != handler.Deferred || !strings.Contains(r.Reason, "tairssl approve "+id) {
		t.Fatalf("without an approval the sweep ends %s: %s", r.Outcome, r.Reason)
	}
	plan := o.answer(t, chat, c, "approve "+id, "The answer follows here")
	code := typedCode.FindStringSubmatch(plan)
	if code == nil {
		t.Fatalf("%s: the answer to approve is %s", c.name, plan)
	}
	o.send(t, chat, c, c.says("confirm "+code[1]))
	finished(t, chat)
	i, _ := o.Instance(id)
	if a, ok := handler.ParseApproval(i.Tags[handler.ApprovalTag]); !ok || a.Who != who || a.Expires.String() != i.SSLExpiredTime || i.Restarts != 0 {
		t.Errorf("%s: the tags are %v, after %d restarts\n%s", c.name, i.Tags, i.Restarts, o.log)
	}
	if r := sweptOne(t, sweeper, id); r.Outcome != handler.Deferred || restarts(o.Emulator, id) != 0 || !strings.Contains(r.Reason, "maintenance window that opens "+opens.Format("2006-01-02T15:04")) {
		t.Errorf("%s: before the window the sweep ends %s: %s", c.name, r.Outcome, r.Reason)
	}
}

// A certificate that expires in a freeze is renewed in the last window before the
// freeze, although it is not due. During the freeze nothing is changed.
func TestAFreezeThatCoversAnExpiry(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
			today := time.Now().UTC().Truncate(24 * time.Hour)
			at := func(day, hour int) time.Time { return today.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour) }
			const late, inside, plain = "r-late00000000001", "r-inside000000001", "r-plain0000000001"
			e, p, log := start(t, cloud, "TAIRSSL_WINDOW=02:00-04:00", "TAIRSSL_RENEW_BEFORE=72h", "TAIRSSL_WAIT=1s", "TAIRSSL_INSTANCES="+late+","+inside+","+plain,
				"TAIRSSL_FREEZE="+at(10, 0).Format(time.DateOnly)+"/"+at(29, 0).Format(time.DateOnly))
			for id, expires := range map[string]time.Time{inside: at(20, 12), plain: at(60, 12), late: at(40, 12)} {
				if err := e.Put(tairtest.Instance{InstanceID: id, SSLExpiredTime: handler.At(expires).String()}); err != nil {
					t.Fatal(err)
				}
			}
			sweep := func(day, hour int, id string) handler.Result {
				until(e, at(day, hour))
				return sweptOne(t, p, id)
			}
			if sweep(8, 3, inside); restarts(e, inside) != 0 {
				t.Errorf("the certificate was renewed two nights before the freeze")
			}
			if r := sweep(9, 1, inside); restarts(e, inside) != 0 {
				t.Errorf("an hour before the last window the sweep ends %s: %s", r.Outcome, r.Reason)
			}
			if r := sweep(9, 3, inside); restarts(e, inside) != 1 || !strings.Contains(r.Reason, "freeze") {
				t.Errorf("in the last window before the freeze the sweep ends %s: %s after %d restarts\n%s", r.Outcome, r.Reason, restarts(e, inside), log)
			}
			// Its owner changes this certificate too late: it now expires in the freeze. Sweeps
			// raise an alert and change nothing.
			if err := e.Put(tairtest.Instance{InstanceID: late, SSLExpiredTime: handler.At(at(25, 12)).String()}); err != nil {
				t.Fatal(err)
			}
			for _, day := range []int{9, 12, 24} {
				if r := sweep(day, 5, late); r.Outcome != handler.Deferred || !r.Alert || restarts(e, late) != 0 || !strings.Contains(r.Reason, "TAIRSSL_FREEZE") {
					t.Errorf("on day %d the sweep ends %s, alert %v: %s, after %d restarts", day, r.Outcome, r.Alert, r.Reason, restarts(e, late))
				}
			}
			if r := sweep(30, 3, late); restarts(e, late) != 1 {
				t.Errorf("in the first window after the freeze the sweep ends %s: %s", r.Outcome, r.Reason)
			}
			if restarts(e, inside) != 1 || restarts(e, plain) != 0 {
				t.Errorf("the other instances restarted %d and %d times, want 1 and 0", restarts(e, inside), restarts(e, plain))
			}
		})
	}
}
