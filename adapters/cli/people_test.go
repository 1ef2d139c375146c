package cli_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/tair/tairtest"
)

func TestSweepShowsItsPlanBeforeItAsks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer   string
		code     int
		restarts int
	}{
		"yes":                  {"y\n", 0, 1},
		"no":                   {"n\n", 3, 0},
		"the end of the input": {"", 3, 0},
		"a yes without an end": {"yes", 0, 1},
		"anything else":        {"sure\n", 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			s.ask = true
			s.environ = append(s.environ, "TAIRSSL_WINDOW=any")
			code, out, stderr := s.run(c.answer, "sweep")
			plan, question, asked := strings.Cut(stderr, "Renew now? [y/N]")
			if !asked || !strings.Contains(plan, id) || !strings.Contains(plan, "planned") {
				t.Errorf("it does not show what would restart before it asks:\n%s\nand then %s", plan, question)
			}
			if code != c.code || s.restarts() != c.restarts {
				t.Errorf("the exit code is %d after %d restarts, want %d after %d:\n%s%s", code, s.restarts(), c.code, c.restarts, out, stderr)
			}
		})
	}
}

func TestSweepWithNothingToRenewDoesNotAsk(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.ask = true
	code, out, stderr := s.run("", "sweep", "--tag", "no=one")
	if code != 0 || strings.Contains(stderr, "[y/N]") || !strings.Contains(out, "0 due") {
		t.Errorf("the exit code is %d:\n%s%s", code, out, stderr)
	}
}

func TestInterruptSaysWhatWasSentAndHowToLook(t *testing.T) {
	written, logf := called("ModifyInstanceSSL")
	s := newShellOn(t, tairtest.Options{Lag: time.Hour, Logf: logf})
	ctx, interrupt := context.WithCancel(context.Background())
	go func() {
		<-written
		interrupt()
	}()
	var out, stderr bytes.Buffer
	code := cli.Run(ctx, cli.Environment{Args: []string{"update", id, "--yes", "--wait", "1h"}, Environ: s.environ, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &stderr})
	if i, _ := s.Instance(id); code != 130 || i.Restarts != 1 {
		t.Errorf("the exit code is %d after %d restarts:\n%s%s", code, i.Restarts, out.String(), stderr.String())
	}
	if want := "tairssl status " + id + " --region cn-hangzhou\n"; !strings.Contains(stderr.String(), "was sent for "+id) || !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("it does not say what was sent and how to look:\n%s", stderr.String())
	}
}

func TestInterruptedQuestionChangesNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	ctx, interrupt := context.WithCancel(context.Background())
	var out bytes.Buffer
	asked := &trigger{on: "[y/N]", do: interrupt}
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	code := cli.Run(ctx, cli.Environment{Args: []string{"update", id}, Environ: s.environ, Stdin: silent(release), Stdout: &out, Stderr: asked, Ask: true})
	if code != 130 || s.restarts() != 0 {
		t.Errorf("the exit code is %d after %d restarts:\n%s", code, s.restarts(), asked.String())
	}
}

// trigger is a writer that calls a function when a certain text is written.
type trigger struct {
	mu  sync.Mutex
	all bytes.Buffer
	on  string
	do  func()
}

func (w *trigger) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Contains(b, []byte(w.on)) {
		w.do()
	}
	return w.all.Write(b)
}

func (w *trigger) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

// silent is the input of a person who does not answer.
type silent chan struct{}

func (s silent) Read([]byte) (int, error) {
	<-s
	return 0, context.Canceled
}

func TestRenewIsUpdate(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if code, out, stderr := s.run("", "renew", id, "--yes"); code != 0 || s.restarts() != 1 {
		t.Errorf("the exit code is %d after %d restarts:\n%s%s", code, s.restarts(), out, stderr)
	}
}

func TestAMistypedFlagNamesTheRightFlag(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for typed, meant := range map[string]string{"--dryrun": "did you mean --dry-run?", "--yess": "did you mean --yes?", "--nothing-like-it": ""} {
		code, _, stderr := s.run("", "update", id, typed)
		if code != 2 || !strings.Contains(stderr, "unknown flag: "+typed) || meant != "" && !strings.Contains(stderr, meant) || meant == "" && strings.Contains(stderr, "did you mean") {
			t.Errorf("%s exits with %d:\n%s", typed, code, stderr)
		}
	}
}

func TestShellCompletesIdsAndNames(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for begun, wants := range map[string]string{"r-bp1zxszhcgatnx01": id + "\torders-cache\n", "orders": "orders-cache\t" + id + "\n", "nothing": ""} {
		if _, out, _ := s.run("", "__complete", "update", begun); !strings.HasPrefix(out, wants) || wants == "" && out != ":4\n" {
			t.Errorf("%s is completed by\n%s", begun, out)
		}
	}
	if _, out, _ := s.run("", "__complete", "update", id, "r-bp1zxszhcgatnx0"); strings.Contains(out, id) {
		t.Errorf("an instance that was named already is offered again:\n%s", out)
	}
	s.environ = append(s.environ, "TAIRSSL_WINDOW=wrong")
	if _, out, _ := s.run("", "__complete", "update", "r-"); out != ":4\n" {
		t.Errorf("with wrong settings it offers\n%s", out)
	}
}
