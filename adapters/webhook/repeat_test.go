package webhook_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tairssl/adapters/event"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

func TestARepeatedBatchDoesWhatWasLeft(t *testing.T) {
	d := newDoor()
	n := 0
	d.Answer = func(_ context.Context, a event.Asked) event.Answer {
		n++
		a.Batch = true
		return event.Answer{Asked: a, Results: []handler.Result{{Outcome: handler.Accepted}, {Outcome: handler.Failed, Error: handler.Errorf(handler.Throttled, "x")}}}
	}
	k := knock{path: "/ssl", body: "[" + direct + "," + direct + "]", header: standard("[" + direct + "," + direct + "]")}
	for range 2 {
		if w := d.knock(k); w.Code != http.StatusServiceUnavailable {
			t.Errorf("it is answered %d", w.Code)
		}
	}
	if n != 2 {
		t.Errorf("what was throttled was tried %d times, want 2", n)
	}
}

func TestAMessagePlayedBackChangesNothing(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	if w := d.knock(k); w.Code != http.StatusAccepted {
		t.Fatalf("the first is answered %d", w.Code)
	}
	w := d.knock(k)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"unchanged"`) || len(d.through) != 1 {
		t.Errorf("played back it is answered %d %s; %d got through", w.Code, w.Body, len(d.through))
	}
	again := with(k.header, "Webhook-Signature", k.header.Get("Webhook-Signature")+" v1,AAAA")
	if w := d.knock(knock{path: "/ssl", body: disable, header: again}); w.Code != http.StatusOK || len(d.through) != 1 {
		t.Errorf("played back with a signature more it is answered %d %s", w.Code, w.Body)
	}
	// What changed nothing may come again, with the same signature even.
	d = newDoor()
	d.outcome = handler.Unchanged
	d.knock(k)
	if d.knock(k); len(d.through) != 2 {
		t.Errorf("a message that changed nothing was taken %d times, want 2", len(d.through))
	}
}

// The second of two deliveries at the same time waits for the first to end.
func TestAMessageThatIsBeingCarriedOutIsNotBegunAgain(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	inner := d.Answer
	n := 0
	d.Answer = func(ctx context.Context, a event.Asked) event.Answer {
		if n++; n == 1 {
			if w := d.knock(k); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"in_progress"`) {
				t.Errorf("the second is answered %d %s", w.Code, w.Body)
			}
		}
		return inner(ctx, a)
	}
	if w := d.knock(k); w.Code != http.StatusAccepted || n != 1 {
		t.Errorf("the first is answered %d; %d were carried out", w.Code, n)
	}
	if w := d.knock(k); w.Code != http.StatusOK || len(d.through) != 1 {
		t.Errorf("afterwards it is answered %d", w.Code)
	}
}

func TestAMessageThatFailedMayComeAgain(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	inner := d.Answer
	d.Answer = func(context.Context, event.Asked) event.Answer { panic("boom") }
	if w := d.knock(k); w.Code != 500 {
		t.Fatalf("a panic is answered %d", w.Code)
	}
	d.Answer = func(_ context.Context, a event.Asked) event.Answer {
		return event.Answer{Asked: a, Results: []handler.Result{{Outcome: handler.Unknown}}}
	}
	if w := d.knock(k); w.Code != 502 {
		t.Fatalf("a lost answer is answered %d", w.Code)
	}
	d.Answer = inner
	if w := d.knock(k); w.Code != http.StatusAccepted || len(d.through) != 1 {
		t.Errorf("the third time it is answered %d %s", w.Code, w.Body)
	}
}

func TestASweepOrderPlayedBackSweepsOnce(t *testing.T) {
	const order = `{"Sweep":{}}`
	d := newDoor()
	n := 0
	inner := d.Answer
	d.Answer = func(ctx context.Context, a event.Asked) event.Answer {
		if a.Sweep == nil {
			return inner(ctx, a)
		}
		n++
		return event.Answer{Asked: a, Swept: &fleet.Result{Results: []handler.Result{{Outcome: handler.Accepted}}}}
	}
	for range 3 {
		if w := d.knock(knock{path: "/ssl", body: order, header: standard(order)}); w.Code != 200 {
			t.Errorf("it is answered %d %s", w.Code, w.Body)
		}
	}
	if n != 1 {
		t.Errorf("one order swept %d times", n)
	}
}
