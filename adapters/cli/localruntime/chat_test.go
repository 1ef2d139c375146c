package localruntime_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
)

const slowAPI = 700 * time.Millisecond

var typedCode = regexp.MustCompile(`confirm ([A-Z0-9-]{19})`)

// A person types the code of a plan and sends it to two separate processes while the
// change is in progress. That makes exactly one change; altered codes make none. Every
// answer is in time, although each API call takes 700 ms and a process stops after its
// answer. On platforms with a reply address the person learns the result.
func TestATypedCodeMakesOneChangeOnEveryPlatform(t *testing.T) {
	t.Parallel()
	onBothClouds(t, func(t *testing.T, cloud localruntime.Cloud) {
		o := newOffice(t, cloud, slowAPI)
		codes := make([]string, len(clients))
		o.each(t, func(t *testing.T, n int, c client) {
			id := fmt.Sprintf("r-chat%06d", n)
			expires := o.Now().Add(12*24*time.Hour + time.Hour).UTC().Format(time.RFC3339)
			if err := o.Put(tairtest.Instance{InstanceID: id, SSLExpiredTime: expires}); err != nil {
				t.Fatal(err)
			}
			codes[n] = o.plan(t, c, id)
			o.wrongCodes(t, c, id, codes[n])
			o.typedTwice(t, c, id, strings.ToLower(strings.ReplaceAll(codes[n], "-", "")))
		})
		for _, code := range codes {
			o.keepsSecrets(t, code, strings.ReplaceAll(code, "-", ""), strings.ToLower(strings.ReplaceAll(code, "-", "")))
		}
	})
}

// each runs a test for all clients at the same time, because it mostly waits for the
// API.
func (o *office) each(t *testing.T, test func(t *testing.T, n int, c client)) {
	t.Helper()
	var group sync.WaitGroup
	for n, c := range clients {
		group.Go(func() { t.Run(c.name, func(t *testing.T) { test(t, n, c) }) })
	}
	group.Wait()
}

// plan asks a new process for an update, and returns the code.
func (o *office) plan(t *testing.T, c client, id string) string {
	t.Helper()
	p := o.process(t)
	plan := o.answer(t, p, c, "update "+id, "The answer follows here")
	code := typedCode.FindStringSubmatch(plan)
	if code == nil {
		t.Fatalf("%s: the plan is %s\n%s", c.name, plan, o.log)
	}
	_ = p.Close()
	return code[1]
}

// wrongCodes sends a new process five codes, each altered in another part, and then the
// right code. After five refused codes even the right one has to wait.
func (o *office) wrongCodes(t *testing.T, c client, id, code string) {
	p := o.process(t)
	bare := strings.ReplaceAll(code, "-", "")
	altered := func(at int) string {
		other := byte('2')
		if bare[at] == other {
			other = '3'
		}
		return bare[:at] + string(other) + bare[at+1:]
	}
	refused := 0
	for part, wrong := range map[string]string{
		"its verb and minute": altered(0), "its instance": altered(3), "its check": altered(5), "its seal": altered(10), "its last letter": altered(15),
	} {
		answer := o.send(t, p, c, c.says("confirm "+strings.ToLower(wrong)))
		switch {
		case strings.Contains(answer, "not valid here"):
			refused++
		case strings.Contains(answer, "Started: I check the code"), strings.Contains(answer, "too old"): // happens a few times in a thousand
		default:
			t.Errorf("the answer to a code that is altered in %s is %s", part, answer)
		}
	}
	if refused == 5 {
		if answer := o.send(t, p, c, c.says(code)); !strings.Contains(answer, "Wait a minute") {
			t.Errorf("after five wrong codes the answer to the right one is %s", answer)
		}
	}
	finished(t, p)
	if i, _ := o.Instance(id); i.Restarts != 0 {
		t.Errorf("altered codes restarted the instance %d times", i.Restarts)
	}
}

// typedTwice sends a code to one new process, and to another while the change is in
// progress.
func (o *office) typedTwice(t *testing.T, c client, id, bare string) {
	before := o.count(c.later)
	first, second := o.process(t), o.process(t)
	for n, p := range []*localruntime.Process{first, second} {
		if answer := o.send(t, p, c, c.says("confirm "+bare)); !strings.Contains(answer, "Started") {
			t.Errorf("process %d answers %s", n+1, answer)
		}
		if i, _ := o.Instance(id); i.Restarts > 0 && i.InstanceStatus == "Normal" {
			t.Errorf("the change was over before process %d answered, so the test proves nothing", n+1)
		}
	}
	finished(t, first)
	finished(t, second)
	if answer := o.send(t, first, c, c.says(bare)); !strings.Contains(answer, "used already") { // a platform repeats a message whose answer was late
		t.Errorf("the answer to the used code is %s", answer)
	}
	finished(t, first)
	if i, _ := o.Instance(id); i.Restarts != 1 {
		t.Errorf("the instance restarted %d times, want once\n%s", i.Restarts, o.log)
	}
	if c.later != "" {
		o.toldOnce(t, c, before)
	}
	i, _ := o.Instance(id)
	if answer := o.send(t, o.process(t), c, c.says("status "+id)); !strings.Contains(answer, id+": valid until "+i.SSLExpiredTime[:len(time.DateOnly)]) {
		t.Errorf("the answer to status after the change is %s", answer)
	}
}

// toldOnce reads the results of both confirmations. Exactly one of them made the
// change.
func (o *office) toldOnce(t *testing.T, c client, before int) {
	t.Helper()
	renewed, n := 0, 2 // two results
	if c.posted {
		n += 2 // two answers
	}
	for i := range n {
		if told := o.told(t, c.later, before+i); strings.Contains(told, "Done: the certificate is renewed. The new certificate is valid until") {
			renewed++
		}
	}
	if renewed != 1 {
		t.Errorf("%s gets %d messages that the certificate was renewed, want 1\n%s", c.name, renewed, o.log)
	}
}
