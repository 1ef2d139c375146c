package rehearsal_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/adapters/cli/rehearsal"
	"tairssl/handler"
)

// usual is a change with the timing that the real service may have.
func usual() *script {
	return &script{
		tagLag: 300 * time.Millisecond, call: 50 * time.Millisecond,
		from: 20 * time.Second, until: 200 * time.Second, moves: 190 * time.Second,
		down: 180 * time.Second, up: 184 * time.Second, serves: 184 * time.Second,
	}
}

// about fails unless got is between want and want+late.
func about(t *testing.T, what string, got *handler.Duration, want, late time.Duration) {
	t.Helper()
	if got == nil {
		t.Errorf("%s was not measured, want %s", what, want)
		return
	}
	if d := time.Duration(*got); d < want || d > want+late {
		t.Errorf("%s is measured as %s, want %s to %s", what, d, want, want+late)
	}
}

func TestARehearsalMeasuresAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := usual()
		o := s.options()
		o.CA = func(context.Context, string, string) (string, error) { return "aa", nil }
		var told []string
		o.Tell = func(m rehearsal.Mark) { told = append(told, m.What) }
		r := rehearsal.Run(t.Context(), o)
		if r.End != rehearsal.Complete || r.ExitCode() != 0 || s.writes != 1 || r.Result.Outcome != handler.Accepted {
			t.Fatalf("the rehearsal ends %s (%d) after %d changes: %+v", r.End, r.ExitCode(), s.writes, r)
		}
		measuredAsPlanned(t, r)
		if r.Effect.ExpiryMoves != "during SSLModifying" || r.Effect.Stale != 0 || r.Connections.Cuts != 1 || r.Connections.Failed < 18 {
			t.Errorf("the expiry moves %q, answers are stale for %s, connections are %+v", r.Effect.ExpiryMoves, time.Duration(r.Effect.Stale), *r.Connections)
		}
		if r.CA == nil || r.CA.Changed || len(r.Warnings) != 0 {
			t.Errorf("the CA is %+v, the warnings are %q", r.CA, r.Warnings)
		}
		flags, others := s.left()
		if len(flags) != 1 || len(others) != 0 || flags[0] != r.Flag {
			t.Errorf("the tags %v, %v are left, and the report names %q", flags, others, r.Flag)
		}
		for _, call := range r.Calls {
			if call.Min != call.Max || time.Duration(call.Min) != 50*time.Millisecond || call.Failed != 0 {
				t.Errorf("the calls are %+v, want all of 50 ms without a failure", call)
			}
		}
		if len(r.Calls) != 5 {
			t.Errorf("%d actions were called, want 5: %+v", len(r.Calls), r.Calls)
		}
		for _, want := range []string{"a tag shows after 2", "ModifyInstanceSSL is sent", "the status is SSLModifying", "new connections fail: refused", "another certificate is served", "the open connection is cut", "the status is Normal", "everything is measured"} {
			if !strings.Contains(strings.Join(told, "\n"), want) {
				t.Errorf("the event %q is missing:\n%s", want, strings.Join(told, "\n"))
			}
		}
		if len(r.Timeline) != len(told) {
			t.Errorf("the report has %d events, but Tell received %d", len(r.Timeline), len(told))
		}
		want := map[string]time.Duration{"TAIRSSL_LEASE_PAUSE": 2 * time.Second, "TAIRSSL_WAIT": 330 * time.Second, "timeout of the function": 390 * time.Second}
		for _, a := range r.Advice {
			if time.Duration(a.Value) != want[a.Setting] {
				t.Errorf("%s is recommended as %s, want %s", a.Setting, time.Duration(a.Value), want[a.Setting])
			}
		}
		if len(r.Advice) != len(want) {
			t.Errorf("%d settings are recommended, want %d", len(r.Advice), len(want))
		}
	})
}

// measuredAsPlanned compares the measured times with the plan of usual.
func measuredAsPlanned(t *testing.T, r rehearsal.Report) {
	t.Helper()
	// Calls take 50 ms, and looks are half a second apart.
	const late = 600 * time.Millisecond
	if r.Tags == nil || r.Tags.Count != 10 {
		t.Fatalf("the times of tags are %+v, want 10", r.Tags)
	}
	about(t, "the slowest tag", &r.Tags.Max, 250*time.Millisecond, 100*time.Millisecond)
	about(t, "the answer", r.Effect.Accepted, 50*time.Millisecond, time.Millisecond)
	about(t, "the first sign", r.Effect.Shows, 20*time.Second, late)
	about(t, "the start of SSLModifying", r.Effect.ModifyingFrom, 20*time.Second, late)
	about(t, "SSLModifying", r.Effect.ModifyingFor, 180*time.Second-late, 2*late)
	about(t, "the new expiry", r.Effect.ExpiryMoved, 190*time.Second, late)
	about(t, "the end", r.Effect.Complete, 200*time.Second, late)
	about(t, "the new certificate", r.Connections.ServedNew, 184*time.Second, late)
	about(t, "the outage", r.Connections.GoneFor, 4*time.Second-300*time.Millisecond, 700*time.Millisecond)
	about(t, "the start of the outage", r.Connections.GoneFrom, 179*time.Second+700*time.Millisecond, late)
}

// Hanging connections are an outage, like refused ones.
func TestHangingConnectionsAreAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := usual()
		s.hangs, s.up = true, s.down+time.Second
		r := rehearsal.Run(t.Context(), s.options())
		about(t, "the outage", r.Connections.GoneFor, 700*time.Millisecond, 500*time.Millisecond)
		if r.Connections.Failed != 0 {
			t.Errorf("%d connections failed, want 0, because all were answered in the end", r.Connections.Failed)
		}
	})
}

func TestWhenTheExpiryMoves(t *testing.T) {
	for want, moves := range map[string]time.Duration{
		"before SSLModifying showed":   0,
		"at the start of SSLModifying": 20 * time.Second,
		"during SSLModifying":          100 * time.Second,
		"at the end of SSLModifying":   200 * time.Second,
		"after SSLModifying":           210 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := usual()
			s.moves = moves
			r := rehearsal.Run(t.Context(), s.options())
			if r.End != rehearsal.Complete || r.Effect.ExpiryMoves != want || r.Effect.Stale != 0 {
				t.Errorf("an expiry that moves after %s is reported as %q; the rehearsal ends %s, answers are stale for %s", moves, r.Effect.ExpiryMoves, r.End, time.Duration(r.Effect.Stale))
			}
			about(t, "the end", r.Effect.Complete, max(200*time.Second, moves), 600*time.Millisecond)
		})
	}
}

// Without a sign of a restart the rehearsal waits longer, because the restart may
// still come.
func TestAChangeWhoseRestartIsNotSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{unreachable: true, moves: 3 * time.Second}
		o := s.options()
		began := time.Now()
		r := rehearsal.Run(t.Context(), o)
		if r.End != rehearsal.Complete || r.Effect.ExpiryMoves != "SSLModifying was never seen" || r.Connections != nil || r.Unreached != "the name cannot be resolved here" {
			t.Errorf("the rehearsal ends %s, %+v, %q", r.End, r.Effect, r.Unreached)
		}
		if took := time.Since(began); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("the rehearsal took %s, want between 5m and 6m", took)
		}
	})
}

func TestAChangeWithoutEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := usual()
		s.never = true
		o := s.options()
		o.Limit = 20 * time.Minute
		began := time.Now()
		r := rehearsal.Run(t.Context(), o)
		if took := time.Since(began); took < o.Limit || took > o.Limit+time.Second {
			t.Errorf("the rehearsal took %s, want its limit of %s", took, o.Limit)
		}
		if r.End != rehearsal.Unseen || r.ExitCode() != 5 || r.Effect.Shows != nil || r.Effect.Complete != nil || s.writes != 1 {
			t.Errorf("the rehearsal ends %s (%d) after %d changes: %+v", r.End, r.ExitCode(), s.writes, r.Effect)
		}
		if len(r.Advice) != 1 || r.Advice[0].Setting != "TAIRSSL_LEASE_PAUSE" {
			t.Errorf("the advice is %+v", r.Advice)
		}
		if flags, others := s.left(); len(flags) != 1 || len(others) != 0 {
			t.Errorf("the tags %v, %v are left", flags, others)
		}
	})
}

func TestUnexpectedTimesAreWarnings(t *testing.T) {
	for want, change := range map[string]func(*script){
		"answers still showed the state before": func(s *script) { s.stale = 100 * time.Second },
		"longer than TAIRSSL_LEASE_PAUSE":       func(s *script) { s.tagLag = 3 * time.Second },
		"the effect was visible only after 11m": func(s *script) { s.from, s.moves, s.until = 11*time.Minute, 11*time.Minute, 12*time.Minute },
		"still serves the old one":              func(s *script) { s.serves = time.Hour },
		"s after the API had reported":          func(s *script) { s.serves = 220 * time.Second },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := usual()
			change(s)
			r := rehearsal.Run(t.Context(), s.options())
			if r.End != rehearsal.Complete || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], want) {
				t.Errorf("the rehearsal ends %s with the warnings %q, want one with %q", r.End, r.Warnings, want)
			}
		})
	}
}

func TestTheCAIsCompared(t *testing.T) {
	unread := handler.Errorf(handler.Unavailable, "the CA chain cannot be had")
	for _, test := range []struct {
		answers []any // fingerprints and errors
		ca      *rehearsal.CA
		unread  string
		warning string
	}{
		{[]any{"aa", "aa"}, &rehearsal.CA{Before: "aa", After: "aa"}, "", ""},
		{[]any{"aa", "bb"}, &rehearsal.CA{Changed: true, Before: "aa", After: "bb"}, "", "the CA changed"},
		{[]any{unread}, nil, "cannot be had", ""},
		{[]any{"aa", unread}, nil, "cannot be had", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := usual()
			o := s.options()
			o.Settings.CA = func(context.Context, string, string) (string, error) {
				t.Error("the handler compares the CA as well")
				return "", nil
			}
			o.CA = func(_ context.Context, _, from string) (string, error) {
				if len(test.answers) == 0 {
					t.Fatal("the CA is read too often")
				}
				next := test.answers[0]
				test.answers = test.answers[1:]
				if err, failed := next.(error); failed {
					return "", err
				}
				return next.(string), nil
			}
			r := rehearsal.Run(t.Context(), o)
			if r.End != rehearsal.Complete || !reflect.DeepEqual(r.CA, test.ca) || !strings.Contains(r.CAUnread, test.unread) || (r.CAUnread == "") != (test.unread == "") {
				t.Errorf("the rehearsal ends %s; the CA is %+v, unread because of %q", r.End, r.CA, r.CAUnread)
			}
			if got := strings.Join(r.Warnings, "\n"); !strings.Contains(got, test.warning) || (got == "") != (test.warning == "") {
				t.Errorf("the warnings are %q, want %q", got, test.warning)
			}
		})
	}
}

// If tags are slower than the lease pause, the rehearsal uses a longer pause. With the
// shorter pause the lease would give up.
func TestSlowTagsDoNotPreventTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := usual()
		s.tagLag = 5 * time.Second
		r := rehearsal.Run(t.Context(), s.options())
		if r.End != rehearsal.Complete || s.writes != 1 {
			t.Fatalf("the rehearsal ends %s after %d changes: %v", r.End, s.writes, r.Result)
		}
		if a := r.Advice[0]; a.Setting != "TAIRSSL_LEASE_PAUSE" || time.Duration(a.Value) < 10*time.Second {
			t.Errorf("the advice is %+v", a)
		}
	})
}

func TestWithoutMeasuredTagsThereIsNoChange(t *testing.T) {
	full := handler.Errorf(handler.Invalid, "the instance has 20 tags already")
	full.Err = handler.ErrTagRefused
	for name, test := range map[string]struct {
		change func(*script)
		code   int
		says   string
	}{
		"not allowed": {func(s *script) {
			s.onTag = func(string) error { return handler.Errorf(handler.Forbidden, "denied") }
			s.onUntag = func(...string) error { return handler.Errorf(handler.Forbidden, "denied") }
		}, 3, "allow kvstore:TagResources"},
		"no room": {func(s *script) {
			s.onTag = func(string) error { return handler.Errorf(handler.Invalid, "20 tags already") }
		}, 2, "20 tags already"},
		"never shown": {func(s *script) { s.tagLag = time.Hour }, 5, "did not show within 20s"},
		"not removed": {func(s *script) {
			s.onUntag = func(...string) error { return handler.Errorf(handler.Unavailable, "down") }
		}, 5, "down"},
		"out of limit": {func(s *script) { s.call = 3 * time.Second }, 5, "the time limit of the rehearsal is over"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := usual()
			test.change(s)
			o := s.options()
			o.Limit = 25 * time.Second
			r := rehearsal.Run(t.Context(), o)
			if r.End != rehearsal.NotChanged || r.Error == nil || r.ExitCode() != test.code || s.writes != 0 || !strings.Contains(r.Error.Message, test.says) || !strings.Contains(r.Error.Message, "nothing was changed") {
				t.Errorf("%s: the rehearsal ends %s (%d) after %d changes: %v", name, r.End, r.ExitCode(), s.writes, r.Error)
			}
			if _, others := s.left(); len(others) != 0 && name != "not removed" {
				t.Errorf("%s: the tags %v are left", name, others)
			}
			if name == "not removed" && (len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "remove it by hand")) {
				t.Errorf("%s: the warnings are %q", name, r.Warnings)
			}
		})
	}
}

// The change is sent once, even if its answer is an error or is lost.
func TestAChangeThatIsRefusedOrUnanswered(t *testing.T) {
	busy := handler.Errorf(handler.Unavailable, "another change is under way")
	busy.Err = handler.ErrBusy
	lost := handler.Errorf(handler.Unavailable, "the answer was lost")
	lost.Uncertain = true
	for name, test := range map[string]struct {
		err  error
		end  rehearsal.End
		code int
	}{
		"busy":        {busy, rehearsal.NotChanged, 5},
		"not allowed": {handler.Errorf(handler.Forbidden, "denied"), rehearsal.NotChanged, 3},
		"lost":        {lost, rehearsal.Complete, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := usual()
			s.modify = func(context.Context) error {
				if !errors.Is(test.err, lost) {
					s.accepted = time.Time{}
				}
				return test.err
			}
			r := rehearsal.Run(t.Context(), s.options())
			if r.End != test.end || r.ExitCode() != test.code || s.writes != 1 {
				t.Errorf("%s: the rehearsal ends %s (%d) after %d changes: %+v", name, r.End, r.ExitCode(), s.writes, r.Result)
			}
			if flags, others := s.left(); len(others) != 0 || (len(flags) == 1) != (test.end == rehearsal.Complete) || r.Flag != strings.Join(flags, "") {
				t.Errorf("%s: the tags %v, %v are left, and the report names %q", name, flags, others, r.Flag)
			}
		})
	}
}

func TestAnotherWriterRenewsTheInstanceFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := usual()
		o := s.options()
		o.Change.SSLExpiredTime = handler.At(expires().Add(-time.Hour)) // the expiry that the person confirmed
		r := rehearsal.Run(t.Context(), o)
		if r.End != rehearsal.NotChanged || r.ExitCode() != 1 || s.writes != 0 || r.Result.Outcome != handler.Unchanged {
			t.Errorf("the rehearsal ends %s (%d) after %d changes: %+v", r.End, r.ExitCode(), s.writes, r.Result)
		}
	})
}

func TestWithoutALeaseNoTagIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := usual()
		s.onTag = func(key string) error { t.Errorf("the tag %s is set", key); return nil }
		o := s.options()
		o.Settings.LeaseNone = true
		r := rehearsal.Run(t.Context(), o)
		if r.End != rehearsal.Complete || r.Tags != nil || s.writes != 1 {
			t.Errorf("the rehearsal ends %s after %d changes, tags are %+v", r.End, s.writes, r.Tags)
		}
	})
}

// After an interrupt at any moment only the flag of a change that was sent is left.
func TestAnInterruptAtAnyMoment(t *testing.T) {
	sent := 0
	for _, after := range []time.Duration{
		0, 25 * time.Millisecond, 60 * time.Millisecond, 200 * time.Millisecond, 420 * time.Millisecond, time.Second, 4 * time.Second, 4200 * time.Millisecond, 5 * time.Second,
		6 * time.Second, 6500 * time.Millisecond, 6600 * time.Millisecond, 6700 * time.Millisecond, 7 * time.Second, 10 * time.Second, 100 * time.Second, 195 * time.Second, 205 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := usual()
			ctx, interrupt := context.WithCancel(t.Context())
			time.AfterFunc(after, interrupt)
			began := time.Now()
			r := rehearsal.Run(ctx, s.options())
			if took := time.Since(began); took > after+time.Second {
				t.Errorf("interrupted after %s, the rehearsal ends after %s", after, took)
			}
			if r.End != rehearsal.Interrupted || r.ExitCode() != 130 {
				t.Errorf("interrupted after %s, the rehearsal ends %s (%d)", after, r.End, r.ExitCode())
			}
			flags, others := s.left()
			if len(others) != 0 || len(flags) != s.writes || s.writes > 1 || r.Flag != strings.Join(flags, "") || r.Sent != (s.writes == 1) {
				t.Errorf("interrupted after %s and %d changes, the tags %v, %v are left; the report has the flag %q and Sent %v", after, s.writes, flags, others, r.Flag, r.Sent)
			}
			sent += s.writes
		})
	}
	if sent == 0 || sent == 18 {
		t.Errorf("%d interrupts came after the change was sent, want some before and some after", sent)
	}
}
