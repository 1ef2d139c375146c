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

func TestARepeatedBatchTriesAgainWhatWasThrottled(t *testing.T) {
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
			t.Errorf("the batch is answered %d, want 503", w.Code)
		}
	}
	if n != 2 {
		t.Errorf("a throttled batch that was sent twice was tried %d times, want 2", n)
	}
}

func TestASecondDeliveryOfAMessageChangesNothing(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	if w := d.knock(k); w.Code != http.StatusAccepted {
		t.Fatalf("the first delivery is answered %d, want 202", w.Code)
	}
	w := d.knock(k)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"unchanged"`) || len(d.through) != 1 {
		t.Errorf("the second delivery is answered %d %s; %d requests got through, want 1", w.Code, w.Body, len(d.through))
	}
	again := with(k.header, "Webhook-Signature", k.header.Get("Webhook-Signature")+" v1,AAAA")
	if w := d.knock(knock{path: "/ssl", body: disable, header: again}); w.Code != http.StatusOK || len(d.through) != 1 {
		t.Errorf("the second delivery, with one more signature, is answered %d %s, want 200", w.Code, w.Body)
	}
	// A message that changed nothing may come again with the same signature.
	d = newDoor()
	d.outcome = handler.Unchanged
	d.knock(k)
	if d.knock(k); len(d.through) != 2 {
		t.Errorf("a message that changed nothing was carried out %d times, want 2", len(d.through))
	}
}

// If a message is delivered twice at the same time, the answer to the second delivery is
// in_progress.
func TestAMessageThatIsBeingCarriedOutIsNotBegunAgain(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	inner := d.Answer
	n := 0
	d.Answer = func(ctx context.Context, a event.Asked) event.Answer {
		if n++; n == 1 {
			if w := d.knock(k); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"in_progress"`) {
				t.Errorf("the second delivery is answered %d %s, want 409", w.Code, w.Body)
			}
		}
		return inner(ctx, a)
	}
	if w := d.knock(k); w.Code != http.StatusAccepted || n != 1 {
		t.Errorf("the first delivery is answered %d, want 202; %d deliveries were carried out, want 1", w.Code, n)
	}
	if w := d.knock(k); w.Code != http.StatusOK || len(d.through) != 1 {
		t.Errorf("a later delivery is answered %d, want 200", w.Code)
	}
}

func TestAMessageThatFailedMayComeAgain(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	inner := d.Answer
	d.Answer = func(context.Context, event.Asked) event.Answer { panic("boom") }
	if w := d.knock(k); w.Code != 500 {
		t.Fatalf("a panic is answered %d, want 500", w.Code)
	}
	d.Answer = func(_ context.Context, a event.Asked) event.Answer {
		return event.Answer{Asked: a, Results: []handler.Result{{Outcome: handler.Unknown}}}
	}
	if w := d.knock(k); w.Code != 502 {
		t.Fatalf("a lost answer is answered %d, want 502", w.Code)
	}
	d.Answer = inner
	if w := d.knock(k); w.Code != http.StatusAccepted || len(d.through) != 1 {
		t.Errorf("the third delivery is answered %d %s, want 202", w.Code, w.Body)
	}
}

func TestASweepOrderThatIsDeliveredAgainSweepsOnce(t *testing.T) {
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
			t.Errorf("the order is answered %d %s, want 200", w.Code, w.Body)
		}
	}
	if n != 1 {
		t.Errorf("one order swept %d times, want 1", n)
	}
}
