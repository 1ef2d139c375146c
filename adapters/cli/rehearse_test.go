package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/rehearsal"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// slowShell is a shell for a cloud in which a change takes so long that each step can be
// measured.
func slowShell(t *testing.T, lag time.Duration) *shell {
	t.Helper()
	s := newShellOn(t, tairtest.Options{Lag: lag, ChangeTime: 2500 * time.Millisecond, TagLag: 50 * time.Millisecond})
	s.rehearsal = fast
	s.environ = append(s.environ, "TAIRSSL_LEASE_PAUSE=200ms")
	return s
}

// tagsOf returns the keys of an instance's tags: the keys of leases, and all other keys.
func (s *shell) tagsOf(id string) (flags, others []string) {
	i, _ := s.Instance(id)
	for key := range i.Tags {
		if strings.HasPrefix(key, "tairssl-lease-") {
			flags = append(flags, key)
		} else {
			others = append(others, key)
		}
	}
	return flags, others
}

func TestRehearseRenewsOnceAndReports(t *testing.T) {
	t.Parallel() // it watches a change
	s := slowShell(t, 500*time.Millisecond)
	s.ask = true
	code, out, errs := s.run(id+"\n", "rehearse", "orders-cache", "-o", "json")
	var r rehearsal.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || s.restarts() != 1 {
		t.Fatalf("the exit code is %d after %d restarts, %v:\n%s\n%s", code, s.restarts(), err, out, errs)
	}
	if r.End != rehearsal.Complete || r.InstanceID != id || r.InstanceName != "orders-cache" || r.Result.Outcome != handler.Accepted || r.Result.Before == nil {
		t.Errorf("the report is %+v", r)
	}
	e := r.Effect
	if e.Complete == nil || e.ModifyingFor == nil || e.ExpiryMoves != "at the end of SSLModifying" || time.Duration(*e.Complete) < time.Second {
		t.Errorf("the effect is %+v", e)
	}
	if c := r.Connections; c == nil || c.Cuts != 1 || c.ServedNew == nil || c.Pings < 5 {
		t.Errorf("the connections are %+v, %s", c, r.Unreached)
	}
	if r.Tags == nil || r.Tags.Count != 10 || time.Duration(r.Tags.Max) < 30*time.Millisecond || len(r.Advice) != 3 || len(r.Calls) != 5 {
		t.Errorf("tags are %+v, advice %+v, calls %+v", r.Tags, r.Advice, r.Calls)
	}
	if flags, others := s.tagsOf(id); len(flags) != 1 || flags[0] != r.Flag || len(others) != 0 {
		t.Errorf("the tags %v, %v are left; the report names %s", flags, others, r.Flag)
	}
	for _, want := range []string{"orders-cache", "once; connections drop", "answers: a PING over TLS is sent five times a second", "at the latest", "Type " + id + " to go on", "the status is SSLModifying"} {
		if !strings.Contains(errs, want) {
			t.Errorf("it does not say %q:\n%s", want, errs)
		}
	}
}

func TestRehearseAsATable(t *testing.T) {
	t.Parallel() // it watches a change
	s := slowShell(t, 500*time.Millisecond)
	code, out, errs := s.run("", "rehearse", id, "--yes")
	if code != 0 || s.restarts() != 1 {
		t.Fatalf("the exit code is %d after %d restarts:\n%s\n%s", code, s.restarts(), out, errs)
	}
	for _, want := range []string{"a tag shows", "SSLModifying", "at the end of SSLModifying", "open connections", "cut once", "the new certificate is served", "ModifyInstanceSSL", "TAIRSSL_LEASE_PAUSE", "TAIRSSL_WAIT", "timeout of the function"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report has no %q:\n%s", want, out)
		}
	}
}

func TestRehearseEndsInTimeIfNothingShows(t *testing.T) {
	t.Parallel() // it waits for the end
	s := slowShell(t, time.Hour)
	s.rehearsal.TagRounds = 2
	began := time.Now()
	code, out, errs := s.run("", "rehearse", id, "--yes", "--timeout", "10s")
	if took := time.Since(began); code != 5 || s.restarts() != 1 || took > 20*time.Second {
		t.Errorf("the exit code is %d after %d restarts and %s:\n%s", code, s.restarts(), took, errs)
	}
	if !strings.Contains(errs, "goes on by itself") || !strings.Contains(errs, "tairssl status "+id) || !strings.Contains(out, "not seen") {
		t.Errorf("it says\n%s\n%s", out, errs)
	}
}

// An interrupt before the change is sent leaves nothing on the instance. After a later
// interrupt the command says that the change goes on.
func TestRehearseThatIsInterrupted(t *testing.T) {
	t.Parallel() // it waits for the moment to interrupt
	for moment, test := range map[string]struct {
		says     string
		restarts int
	}{
		"a tag shows":                   {"interrupted before the change was sent: nothing was changed", 0},
		"ModifyInstanceSSL is accepted": {"goes on by itself", 1},
	} {
		s := slowShell(t, time.Minute)
		ctx, interrupt := context.WithCancel(context.Background())
		errs := &interrupting{when: moment, interrupt: interrupt}
		var out bytes.Buffer
		code := cli.Run(ctx, cli.Environment{Args: []string{"rehearse", id, "--yes"}, Environ: s.environ, Rehearsal: fast, Stdin: strings.NewReader(""), Stdout: &out, Stderr: errs})
		interrupt()
		flags, others := s.tagsOf(id)
		if code != 130 || s.restarts() != test.restarts || len(flags) != test.restarts || len(others) != 0 || !strings.Contains(errs.String(), test.says) {
			t.Errorf("interrupted when %q, the exit code is %d after %d restarts, and the tags %v, %v are left:\n%s", moment, code, s.restarts(), flags, others, errs.String())
		}
		if test.restarts == 1 && (!strings.Contains(errs.String(), flags[0]) || !strings.Contains(out.String(), "a tag shows")) {
			t.Errorf("it does not name the tag %v, or report what was measured:\n%s\n%s", flags, out.String(), errs.String())
		}
	}
}

// interrupting is an output that calls interrupt when it contains a certain text.
type interrupting struct {
	bytes.Buffer
	when      string
	interrupt func()
}

func (w *interrupting) Write(b []byte) (int, error) {
	n, err := w.Buffer.Write(b)
	if strings.Contains(w.String(), w.when) {
		w.interrupt()
	}
	return n, err
}

func TestRehearseRefusesInstancesThatItMustNotChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args  []string
		input string
		ask   bool
		set   string
		code  int
		says  string
	}{
		"nobody can be asked":    {args: []string{id}, code: 3, says: "--yes"},
		"another id is typed":    {args: []string{id}, input: "r-bp1zxszhcgatnx02\n", ask: true, code: 3, says: "not confirmed"},
		"its name is typed":      {args: []string{"orders-cache"}, input: "orders-cache\n", ask: true, code: 3, says: "not confirmed"},
		"only yes is typed":      {args: []string{id}, input: "y\n", ask: true, code: 3, says: "not confirmed"},
		"nothing is typed":       {args: []string{id}, ask: true, code: 3, says: "not confirmed"},
		"it is tagged off":       {args: []string{"tt-bp1zxszhcgatnx05", "--yes"}, code: 3, says: "tairssl=off"},
		"it is excluded":         {args: []string{id, "--yes"}, set: "TAIRSSL_INSTANCES=*,!" + id, code: 3, says: "TAIRSSL_INSTANCES"},
		"all is paused":          {args: []string{id, "--yes"}, set: "TAIRSSL_PAUSE=1", code: 3, says: "TAIRSSL_PAUSE"},
		"it may not be updated":  {args: []string{id, "--yes"}, set: "TAIRSSL_ACTIONS=Enable", code: 3, says: "TAIRSSL_ACTIONS"},
		"encryption is off":      {args: []string{"r-bp1zxszhcgatnx03", "--yes"}, code: 1, says: "encryption is off"},
		"it has no TLS":          {args: []string{"r-bp1zxszhcgatnx08", "--yes"}, code: 1, says: "no TLS"},
		"it does not run":        {args: []string{"r-bp1zxszhcgatnx11", "--yes"}, code: 1, says: "Inactive"},
		"there is none":          {args: []string{"r-gonegone", "--yes"}, code: 4, says: "does not exist"},
		"no instance is named":   {args: []string{"--yes"}, code: 2, says: "name one test instance"},
		"two are named":          {args: []string{id, "r-bp1zxszhcgatnx02", "--yes"}, code: 2, says: "name one test instance"},
		"the time is too short":  {args: []string{id, "--yes", "--timeout", "1s"}, code: 2, says: "--timeout"},
		"the time is none":       {args: []string{id, "--yes", "--timeout", "soon"}, code: 2, says: "--timeout"},
		"it is in no region":     {args: []string{id, "--yes", "--region", "cn-nowhere"}, code: 2, says: "--region"},
		"the name is impossible": {args: []string{"https://", "--yes"}, code: 2, says: ""},
	} {
		s := newShell(t)
		s.ask = test.ask
		if test.set != "" {
			s.environ = append(s.environ, test.set)
		}
		code, out, errs := s.run(test.input, append([]string{"rehearse"}, test.args...)...)
		if code != test.code || !strings.Contains(out+errs, test.says) {
			t.Errorf("%s: the exit code is %d, want %d and %q:\n%s\n%s", name, code, test.code, test.says, out, errs)
		}
		if n := s.Calls("ModifyInstanceSSL") + s.Calls("TagResources") + s.Calls("UntagResources"); n != 0 {
			t.Errorf("%s: %d calls change something", name, n)
		}
	}
}

// A rehearsal respects the lease of another writer, as any other change does.
func TestRehearseRespectsTheLeaseOfAnotherWriter(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	i, _ := s.Instance(id)
	i.Tags = map[string]string{"tairssl-lease-abcd1234": "Update/" + i.SSLExpiredTime + "/" + handler.At(s.Now()).String() + "/"}
	if err := s.Put(i); err != nil {
		t.Fatal(err)
	}
	code, out, _ := s.run("", "rehearse", id, "--yes")
	if code != 5 || s.restarts() != 0 || !strings.Contains(out, "another attempt") {
		t.Errorf("the exit code is %d after %d restarts:\n%s", code, s.restarts(), out)
	}
}
