package chatops_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

func TestASlowReadIsHandedOver(t *testing.T) {
	for text, want := range map[string]string{"status " + id: id + ": valid until", "update " + id: "confirm ", "status": id + ": valid until"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(newCloud(id))
			d.takes = 5 * time.Second
			if answer := d.inTime(t, annaInSlack, text); answer != "This takes longer. The answer follows here." {
				t.Errorf("%s is answered %q", text, answer)
			}
			d.logged(t, `"outcome":"answered"`, `"reason":"out of time"`, `"handed":true`)
			if answer := d.finish(t, t.Context()); !strings.Contains(answer, want) {
				t.Errorf("the later answer to %s is %q, want %q in it", text, answer, want)
			}
		})
	}
}

// A call that would begin too late fails at once. That is a lack of time as well.
func TestACallThatWouldBeginTooLateIsHandedOver(t *testing.T) {
	for text, want := range map[string]string{"status " + id: id + ": valid until", "update " + id: "confirm "} {
		d := newDesk(newCloud(id))
		late := handler.Errorf(handler.Throttled, "the rate leaves no time for the call")
		late.Err = handler.ErrNoTime
		d.faults = map[string]error{id: late}
		if answer, _ := d.say(t.Context(), annaInSlack, text); answer != "This takes longer. The answer follows here." {
			t.Errorf("the answer to %s is %q", text, answer)
		}
		d.faults = nil
		if answer := d.finish(t, t.Context()); !strings.Contains(answer, want) {
			t.Errorf("the later answer to %s is %q, want %q in it", text, answer, want)
		}
	}
}

// If a fleet cannot be read in time, another invocation reads it.
func TestAFleetTooLargeForAChatIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(newFleet(700))
		d.takes = 100 * time.Millisecond
		if answer := d.inTime(t, annaInSlack, "status"); !strings.HasPrefix(answer, "This takes longer") {
			t.Errorf("the answer is %q", answer)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if answer := d.finish(t, ctx); !strings.Contains(answer, "… and 680 more that expire later") || strings.Contains(answer, "NOT all") {
			t.Errorf("the later answer is %q", answer)
		}
	})
}

func TestASlowReadThatCannotBeHandedOverIsAnsweredAnyway(t *testing.T) {
	silent := annaInSlack
	silent.Reply = ""
	for name, test := range map[string]struct {
		who    chatops.Message
		change func(*chatops.Options)
		fault  error
		want   []string
	}{
		"no address for a later answer": {silent, nil, nil, []string{"ran out"}},
		"no key":                        {annaInSlack, func(o *chatops.Options) { o.Key = nil }, nil, []string{"ran out"}},
		"no other invocation":           {annaInSlack, func(o *chatops.Options) { o.Hand = nil }, nil, []string{"ran out"}},
		"the cloud refuses it":          {annaInSlack, nil, handler.Errorf(handler.Forbidden, "allow fc:InvokeFunction"), []string{"ran out", "Allow fc:InvokeFunction."}},
	} {
		synctest.Test(t, func(t *testing.T) {
			change := []func(*chatops.Options){}
			if test.change != nil {
				change = append(change, test.change)
			}
			d := newDesk(newCloud(id), change...)
			d.takes, d.fault = 5*time.Second, test.fault
			answer := d.inTime(t, test.who, "status "+id)
			for _, want := range test.want {
				if !strings.Contains(answer, want) {
					t.Errorf("%s: the answer is %q", name, answer)
				}
			}
			if len(d.handed) != 0 {
				t.Errorf("%s: it was handed over", name)
			}
		})
	}
}

// A cold start may use up all the time of a chat. The work is handed over even then, because
// the work matters more than an answer in time.
func TestHandingOverHasTimeAfterTheDeadline(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if answer, _ := d.say(ctx, annaInSlack, "confirm "+code); !strings.HasPrefix(answer, "Started") || len(d.handed) != 1 {
		t.Errorf("the answer is %q", answer)
	}
}

func TestHandedWorkIsNeverHandedOverAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(newFleet(700))
		d.takes = 100 * time.Millisecond
		d.inTime(t, annaInSlack, "status")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if answer := d.finish(t, ctx); !strings.Contains(answer, "NOT all") || len(d.handed) != 1 {
			t.Errorf("if the time is too short again, the answer is %q, and the work is handed over %d times", answer, len(d.handed))
		}
	})
}
