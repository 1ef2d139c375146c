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

// With an API that takes 700 ms for each call, and processes that are stopped as soon as
// they have answered: the code of a plan, typed on a phone and sent to two processes
// that know nothing of each other, while the change goes on, makes exactly one change.
// Altered codes make none. Everybody is answered in time, and told of the end where the
// platform has a way back.
func TestACodeThatIsTypedMakesOneChangeOnEveryPlatform(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
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
}

// each runs a test for every client, all at once: they wait for the API, mostly.
func (o *office) each(t *testing.T, test func(t *testing.T, n int, c client)) {
	t.Helper()
	var group sync.WaitGroup
	for n, c := range clients {
		group.Go(func() { t.Run(c.name, func(t *testing.T) { test(t, n, c) }) })
	}
	group.Wait()
}

// plan asks for an update in a process of its own, and gives the code.
func (o *office) plan(t *testing.T, c client, id string) string {
	t.Helper()
	p := o.process(t)
	plan := o.answer(t, p, c, "update "+id, "the answer follows here")
	code := typedCode.FindStringSubmatch(plan)
	if code == nil {
		t.Fatalf("%s: the plan is %s\n%s", c.name, plan, o.log)
	}
	_ = p.Close()
	return code[1]
}

// wrongCodes sends codes to a new process that are altered in each of their parts, and
// then the right one: five refused ones are answered with a pause.
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
		case strings.Contains(answer, "Started: I check the code"), strings.Contains(answer, "too old"): // some of a thousand
		default:
			t.Errorf("a code that is altered in %s is answered %s", part, answer)
		}
	}
	if refused == 5 {
		if answer := o.send(t, p, c, c.says(code)); !strings.Contains(answer, "Wait a minute") {
			t.Errorf("after five wrong codes the right one is answered %s", answer)
		}
	}
	finished(t, p)
	if i, _ := o.Instance(id); i.Restarts != 0 {
		t.Errorf("altered codes restarted the instance %d times", i.Restarts)
	}
}

// typedTwice sends a code to one new process and, while the change goes on, to another.
func (o *office) typedTwice(t *testing.T, c client, id, bare string) {
	before := o.count(c.later)
	first, second := o.process(t), o.process(t)
	for n, p := range []*localruntime.Process{first, second} {
		if answer := o.send(t, p, c, c.says("confirm "+bare)); !strings.Contains(answer, "Started") {
			t.Errorf("process %d answers %s", n+1, answer)
		}
		if i, _ := o.Instance(id); i.Restarts > 0 && i.InstanceStatus == "Normal" {
			t.Errorf("when process %d had answered, the change was over: the test has shown nothing", n+1)
		}
	}
	finished(t, first)
	finished(t, second)
	if answer := o.send(t, first, c, c.says(bare)); !strings.Contains(answer, "used already") { // a platform sends again what it waited for too long
		t.Errorf("afterwards it is answered %s", answer)
	}
	finished(t, first)
	if i, _ := o.Instance(id); i.Restarts != 1 {
		t.Errorf("the instance restarted %d times\n%s", i.Restarts, o.log)
	}
	if c.later != "" {
		o.toldOnce(t, c, before)
	}
	i, _ := o.Instance(id)
	if answer := o.send(t, o.process(t), c, c.says("status "+id)); !strings.Contains(answer, id+": valid until "+i.SSLExpiredTime[:len(time.DateOnly)]) {
		t.Errorf("the state afterwards is %s", answer)
	}
}

// toldOnce looks for the ends of both confirmations: one of them made the change.
func (o *office) toldOnce(t *testing.T, c client, before int) {
	t.Helper()
	renewed, n := 0, 2 // ends
	if c.posted {
		n += 2 // answers
	}
	for i := range n {
		if told := o.told(t, c.later, before+i); strings.Contains(told, "Done: the certificate is renewed. The new certificate is valid until") {
			renewed++
		}
	}
	if renewed != 1 {
		t.Errorf("%s is told %d times that the certificate was renewed\n%s", c.name, renewed, o.log)
	}
}
