package handler_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

func TestAnEnableIsCarriedOutOnce(t *testing.T) {
	const order = "00112233445566ff"
	policy := handler.Policy{Actions: []handler.Action{handler.Enable, handler.Disable}}
	enable := handler.Delivery{Request: handler.Request{InstanceID: id, SSLEnabled: handler.Enable}, Trust: handler.Signed, Order: order}
	c, h := on(handler.Observation{}, handler.Options{Policy: policy})
	other := handler.New(c, handler.Options{Policy: policy, Now: c.Now, Sleep: c.Sleep})
	if first := ask(t, h, enable); first.Outcome != handler.Accepted {
		t.Fatalf("the first delivery ended %s (%s)", first.Outcome, first.Reason)
	}
	if again := ask(t, other, enable); again.Outcome != handler.InProgress || !strings.Contains(again.Reason, "this message is being carried out") {
		t.Errorf("a replay in another process ended %s (%s)", again.Outcome, again.Reason)
	}
	c.Advance(2 * time.Minute)
	if again := ask(t, other, enable); again.Outcome != handler.Unchanged || !strings.Contains(again.Reason, "message was already carried out") {
		t.Errorf("a replay after the change ended %s (%s)", again.Outcome, again.Reason)
	}
	// Encryption is switched off by another person. The repeated message must not switch
	// it on.
	c.Change(id, func(o *handler.Observation) { o.Enabled, o.Expires = false, time.Time{} })
	if again := ask(t, other, enable); again.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("a replay after a Disable ended %s (%s) after %d restarts", again.Outcome, again.Reason, c.Restarts(id))
	}
	another := enable
	another.Order = "ffeeddccbbaa0099"
	c.Advance(time.Hour)
	if fresh := ask(t, other, another); fresh.Outcome != handler.Accepted {
		t.Errorf("another message ended %s (%s)", fresh.Outcome, fresh.Reason)
	}
}

// Only an Enable is protected by the order of a signed message. Other actions name their
// certificate.
func TestABatchOfOneMessageMayDisableAndEnable(t *testing.T) {
	policy := handler.Policy{Actions: []handler.Action{handler.Enable, handler.Disable}}
	c, h := on(expiring(5*day), handler.Options{Policy: policy})
	c.Lag = time.Second
	wait := handler.Duration(time.Minute)
	disable := handler.Delivery{Trust: handler.Signed, Order: "00112233445566ff", Request: handler.Request{
		InstanceID: id, SSLEnabled: handler.Disable, SSLExpiredTime: handler.At(start.Add(5 * day)), Wait: &wait,
	}}
	enable := disable
	enable.SSLEnabled, enable.SSLExpiredTime = handler.Enable, handler.Time{}
	results := h.Handle(context.Background(), []handler.Delivery{disable, enable})
	if results[0].Outcome != handler.Verified || results[1].Outcome != handler.Verified || c.Restarts(id) != 2 {
		t.Errorf("they ended %s (%s) and %s (%s) after %d restarts, want both verified", results[0].Outcome, results[0].Reason, results[1].Outcome, results[1].Reason, c.Restarts(id))
	}
}
