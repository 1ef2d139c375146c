package chatops_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

func TestAConfirmedChangeIsHandedOverBeforeAnyRead(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	looks := len(d.looked)
	answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code)
	if answer != "Started: update "+id+". I will report the result here." || len(d.looked) != looks || d.restarts != 0 || len(d.handed) != 1 {
		t.Errorf("the answer is %q after %d looks and %d restarts", answer, len(d.looked)-looks, d.restarts)
	}
	d.logged(t, `"verb":"confirm update"`, `"outcome":"answered"`, `"handed":true`)
	ctx, cancel := shortly(t.Context())
	defer cancel()
	if d.finish(t, ctx); d.restarts != 1 {
		t.Errorf("the work restarted the instance %d times", d.restarts)
	}
	d.logged(t, `"verb":"confirm update"`, `"outcome":"accepted"`, `"request_id":"AD7E16AA"`)
}

func TestWithoutALaterAnswerThePersonIsAskedToSendStatus(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	m := annaInSlack
	m.Reply = ""
	if answer, _ := d.say(t.Context(), m, "confirm "+code); answer != "Started: update "+id+".\nSend status "+id+" in a few minutes to see the result." || len(d.handed) != 1 {
		t.Errorf("the answer is %q", answer)
	}
}

// A code is checked before anything is handed over.
func TestABadCodeIsRefusedAtOnce(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	bob := annaInSlack
	bob.User = "U2"
	for name, test := range map[string]struct {
		who  chatops.Message
		code string
		want string
	}{
		"altered":        {annaInSlack, code[:len(code)-1] + "x", "not valid here"},
		"another person": {bob, code, "not valid here"},
	} {
		if answer, _ := d.say(t.Context(), test.who, "confirm "+test.code); !strings.Contains(answer, test.want) {
			t.Errorf("%s: the answer is %q", name, answer)
		}
	}
	d.advance(6 * time.Minute)
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code); !strings.Contains(answer, "too old") {
		t.Errorf("the answer to an old code is %q", answer)
	}
	if len(d.handed) != 0 {
		t.Errorf("%d bad codes were handed over", len(d.handed))
	}
}

func TestTheCodeOfHandedWorkIsJudgedAtItsReceipt(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	d.advance(4 * time.Minute)
	d.say(t.Context(), annaInSlack, "confirm "+code)
	d.advance(9 * time.Minute) // the code is no longer valid
	ctx, cancel := shortly(t.Context())
	defer cancel()
	if answer := d.finish(t, ctx); d.restarts != 1 {
		t.Errorf("the answer is %q after %d restarts", answer, d.restarts)
	}
}

func TestWorkThatWaitedTooLongIsNotDone(t *testing.T) {
	d := newDesk(newCloud(id))
	d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
	d.advance(10*time.Minute + time.Second)
	if answer := d.finish(t, t.Context()); !strings.HasPrefix(answer, "Too late: you sent this 10m ago. Nothing was done.") || d.restarts != 0 {
		t.Errorf("the answer is %q after %d restarts", answer, d.restarts)
	}
	d.logged(t, `"actor":"slack:T1/U1"`, `"verb":"confirm update"`, `"outcome":"refused"`, "too late")
}

// An operator may remove a right after the message arrived. The work then does nothing.
func TestARemovedRightStopsHandedWork(t *testing.T) {
	d := newDesk(newCloud(id))
	d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
	d.Allow = nil
	if answer := d.finish(t, t.Context()); !strings.Contains(answer, "may not") || d.restarts != 0 {
		t.Errorf("the answer is %q after %d restarts", answer, d.restarts)
	}
}

// A cloud may deliver one payload several times.
func TestASecondDeliveryOfHandedWorkChangesNothing(t *testing.T) {
	d := newDesk(newCloud(id))
	d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
	ctx, cancel := shortly(t.Context())
	defer cancel()
	for range 3 {
		if answer := d.finish(t, ctx); d.restarts != 1 {
			t.Errorf("the answer is %q after %d restarts", answer, d.restarts)
		}
	}
}

func TestIfHandingOverFailsTheAnswerSaysSoAndTheCodeStaysValid(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	forbidden := handler.Errorf(handler.Forbidden, "AWS Lambda did not take the work: allow lambda:InvokeFunction to the role")
	forbidden.Code, forbidden.Err = "AccessDeniedException", errors.New("the role is not authorized")
	d.fault = forbidden
	answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code)
	if !strings.Contains(answer, "allow lambda:InvokeFunction") || !strings.Contains(answer, "Nothing was changed. You can use the same code again.") || strings.Contains(answer, "not authorized") {
		t.Errorf("the answer is %q", answer)
	}
	d.logged(t, `"outcome":"failed"`, `"kind":"forbidden"`, `"code":"AccessDeniedException"`, `"cause":"the role is not authorized"`)
	if strings.Contains(d.log.String(), `"handed"`) {
		t.Errorf("the log says that the work was handed over:\n%s", d.log.String())
	}
	lost := handler.Errorf(handler.Unavailable, "no answer")
	lost.Uncertain = true
	d.fault = lost
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code); !strings.Contains(answer, "do not know whether") || !strings.Contains(answer, "Send status "+id) || strings.Contains(answer, "Nothing was changed") {
		t.Errorf("the answer after a lost reply of the cloud is %q", answer)
	}
	d.logged(t, `"outcome":"unknown"`, `"kind":"unavailable"`)
	d.fault = nil
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code); !strings.HasPrefix(answer, "Started") {
		t.Errorf("the answer to the second use is %q", answer)
	}
}

func TestAPanicWhileHandingOverIsAnswered(t *testing.T) {
	d := newDesk(newCloud(id), func(o *chatops.Options) { o.Hand = func(context.Context, []byte) error { panic("boom") } })
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+d.plan(t)); !strings.Contains(answer, "do not know whether") || strings.Contains(answer, "boom") {
		t.Errorf("the answer is %q", answer)
	}
	d.logged(t, `"msg":"panic"`)
}

// The second invocation has time to watch the change, so the answer gives the result.
func TestAHandedChangeIsWatchedAsLongAsThereIsTime(t *testing.T) {
	for lasts, watches := range map[time.Duration]time.Duration{0: 2 * time.Minute, time.Hour: 2 * time.Minute, time.Minute: 45 * time.Second, 14 * time.Second: 0} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(newCloud(id)) // this cloud never shows a change
			d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
			ctx := t.Context()
			if lasts > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, lasts)
				defer cancel()
			}
			began := time.Now()
			answer := d.finish(t, ctx)
			if took := time.Since(began).Round(time.Second); took != watches || !strings.Contains(answer, "Accepted") {
				t.Errorf("in an invocation of %s a change is watched for %s, want %s: %s", lasts, took, watches, answer)
			}
		})
	}
}
