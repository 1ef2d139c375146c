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

// Notices about a change are sent before the answer to the person who asked. A place that
// does not take its notice in time must not make the result unknown.
func TestSlowNoticesDoNotHideTheResultOfAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(newCloud(id), func(o *chatops.Options) {
			o.Change = func(ctx context.Context, d handler.Delivery) handler.Result {
				<-ctx.Done()
				return handler.Result{InstanceID: d.InstanceID, RegionID: d.RegionID, SSLEnabled: d.SSLEnabled, Outcome: handler.Verified, Reason: "renewed", After: &handler.State{SSLEnabled: "Enable"}}
			}
		})
		d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if answer := d.finish(t, ctx); !strings.Contains(answer, "Done: the certificate is renewed") {
			t.Errorf("the answer is %q", answer)
		}
	})
}

// If a second person confirms, only the plan shows to whom a code was given. The process
// that gave the code knows the plan.
func TestACodeInAnotherChannelNamesNoInstanceAndStaysValid(t *testing.T) {
	d := newDesk(newCloud(id), func(o *chatops.Options) { o.Second = true }, func(o *chatops.Options) {
		if err := o.Allow.UnmarshalText([]byte("slack:T1/U1,U2 * *")); err != nil {
			t.Fatal(err)
		}
	})
	code := d.plan(t)
	bob, elsewhere := annaInSlack, annaInSlack
	bob.User, elsewhere.User, elsewhere.Channel = "U2", "U2", "C2"
	if answer, _ := d.say(t.Context(), elsewhere, code); strings.Contains(answer, id) || len(d.handed) != 0 {
		t.Errorf("the answer in another channel is %q", answer)
	}
	if answer, _ := d.say(t.Context(), bob, code); !strings.HasPrefix(answer, "Started: update "+id) || len(d.handed) != 1 {
		t.Errorf("the answer to the second person is %q", answer)
	}
}

// One process fails with a code. The second use of the code reaches another process,
// which accepts it.
func TestACodeWorksAgainAfterAFailure(t *testing.T) {
	front := newDesk(newCloud(id))
	code := front.plan(t)
	front.say(t.Context(), annaInSlack, "confirm "+code)
	back := newDesk(front.cloud)
	back.faults = map[string]error{handler.DefaultRegion: handler.Errorf(handler.Unavailable, "no answer")}
	back.handed = front.handed
	if answer := back.finish(t, t.Context()); !strings.Contains(answer, "You can use the same code again") {
		t.Fatalf("the answer is %q", answer)
	}
	front.faults, front.handed = nil, nil
	front.advance(time.Minute + time.Second)
	if answer, _ := front.say(t.Context(), annaInSlack, "confirm "+code); len(front.handed) != 1 {
		t.Fatalf("the answer to the second use is %q", answer)
	}
	ctx, cancel := shortly(t.Context())
	defer cancel()
	if answer := front.finish(t, ctx); front.restarts != 1 {
		t.Errorf("the answer is %q after %d restarts", answer, front.restarts)
	}
}

func TestACommandThatNoRuleAllowsIsLoggedWithItsKind(t *testing.T) {
	for _, text := range []string{"status " + id, "update " + id, "status"} {
		d := newDesk(newCloud(id), func(o *chatops.Options) { o.Allow = nil })
		d.say(t.Context(), annaInSlack, text)
		d.logged(t, `"outcome":"refused"`, `"kind":"forbidden"`, `"reason":"no rule allows it"`)
	}
}

// The role may list the instances, but it may not read any of them.
func TestAStatusThatReadsNothingIsAFailure(t *testing.T) {
	d := newDesk(newCloud(id, "r-bp1zxszhcgatnx02"))
	denied := handler.Errorf(handler.Forbidden, "the role may not call kvstore:DescribeInstanceSSL")
	denied.Code, denied.RequestID = "Forbidden.RAM", "AD7E16AA"
	d.faults = map[string]error{id: denied, "r-bp1zxszhcgatnx02": denied}
	d.say(t.Context(), annaInSlack, "status")
	d.logged(t, `"outcome":"failed"`, `"kind":"forbidden"`, `"code":"Forbidden.RAM"`, `"request_id":"AD7E16AA"`)
	delete(d.faults, id)
	d.say(t.Context(), annaInSlack, "status")
	d.logged(t, `"outcome":"answered"`, `"kind":"forbidden"`)
}

// If a message asks for several changes, the log shows the worst result.
func TestTheLogOfSeveralChangesShowsTheWorst(t *testing.T) {
	d := newDesk(newCloud(id))
	answer, _ := d.say(t.Context(), annaInSlack, "update "+id+" r-nothing1234")
	if !strings.Contains(answer, "confirm ") || !strings.Contains(answer, "r-nothing1234") {
		t.Errorf("the answer is %q", answer)
	}
	d.logged(t, `"outcome":"failed"`, `"kind":"not_found"`, `"instance":"`+id+`,r-nothing1234"`)
}

// People copy the whole URL with which a client connects.
func TestAPasswordInAURLIsNotLogged(t *testing.T) {
	for _, text := range []string{"status ", "update ", "更新 ", "what "} {
		for _, host := range []string{endpoint, "r-nothing1234.redis.rds.aliyuncs.com", "cache.example.com"} {
			d := newDesk(newCloud(id))
			answer, _ := d.say(t.Context(), annaInSlack, text+"rediss://app:hunter2@"+host+":6379/0")
			if strings.Contains(d.log.String(), "hunter2") || strings.Contains(answer, "hunter2") {
				t.Errorf("%s%s is answered %q, and the log has\n%s", text, host, answer, d.log.String())
			}
		}
	}
}

func TestANameIsQuotedUnchanged(t *testing.T) {
	c := newCloud(id)
	c.names = map[string]string{id: "orders cache (main) 订单"}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "update "+id); !strings.Contains(answer, "“orders cache (main) 订单”") {
		t.Errorf("the answer is %q", answer)
	}
}
