package chatops_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tairssl/adapters/chatops"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// annaInSlack can be answered later.
var annaInSlack = chatops.Message{Platform: "slack", Trust: handler.Signed, Tenant: "T1", User: "U1", Channel: "C1", Reply: "https://hooks.slack.com/commands/secret"}

// desk is a bot whose work is kept until somebody takes it.
type desk struct {
	*chatops.Bot
	*cloud
	handed [][]byte
	fault  error
	log    bytes.Buffer
}

func newDesk(c *cloud, change ...func(*chatops.Options)) *desk {
	d := &desk{cloud: c}
	d.Bot = c.bot("slack:T1/U1 * *", append([]func(*chatops.Options){func(o *chatops.Options) {
		o.Log = slog.New(slog.NewJSONHandler(&d.log, nil))
		o.Hand = func(ctx context.Context, payload []byte) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if d.fault == nil {
				d.handed = append(d.handed, payload)
			}
			return d.fault
		}
	}}, change...)...)
	return d
}

func (d *desk) say(ctx context.Context, m chatops.Message, text string) (answer, code string) {
	d.log.Reset()
	m.Text = text
	r := d.Say(ctx, m)
	return strings.Join(r.Lines, "\n"), r.Code
}

// plan asks for an update and gives its code.
func (d *desk) plan(t *testing.T) string {
	t.Helper()
	answer, code := d.say(t.Context(), annaInSlack, "update "+id)
	if code == "" {
		t.Fatalf("update is answered %q", answer)
	}
	return code
}

// finish does the one thing that was handed over.
func (d *desk) finish(t *testing.T, ctx context.Context) string {
	t.Helper()
	if len(d.handed) != 1 {
		t.Fatalf("%d things were handed over", len(d.handed))
	}
	m, err := d.Open(d.handed[0])
	if err != nil {
		t.Fatal(err)
	}
	d.log.Reset()
	return strings.Join(d.Finish(ctx, m).Lines, "\n")
}

func (d *desk) logged(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(d.log.String(), w) {
			t.Errorf("the log has no %s:\n%s", w, d.log.String())
		}
	}
}

func TestAConfirmedChangeIsHandedOverAndNothingIsReadBefore(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	looks := len(d.looked)
	answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code)
	if answer != "Started: update "+id+". I will report the result here." || len(d.looked) != looks || d.restarts != 0 || len(d.handed) != 1 {
		t.Errorf("it is answered %q after %d looks and %d restarts", answer, len(d.looked)-looks, d.restarts)
	}
	d.logged(t, `"verb":"confirm update"`, `"outcome":"answered"`, `"handed":true`)
	ctx, cancel := shortly(t.Context())
	defer cancel()
	if d.finish(t, ctx); d.restarts != 1 {
		t.Errorf("the work restarted the instance %d times", d.restarts)
	}
	d.logged(t, `"verb":"confirm update"`, `"outcome":"accepted"`, `"request_id":"AD7E16AA"`)
}

func TestWhereNothingCanBeToldLaterTheAnswerSaysHowToAsk(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	m := annaInSlack
	m.Reply = ""
	if answer, _ := d.say(t.Context(), m, "confirm "+code); answer != "Started: update "+id+".\nSend status "+id+" in a few minutes to see the result." || len(d.handed) != 1 {
		t.Errorf("it is answered %q", answer)
	}
}

// A code is looked at before anything is handed over.
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
		"altered":       {annaInSlack, code[:len(code)-1] + "x", "not valid here"},
		"somebody else": {bob, code, "not valid here"},
	} {
		if answer, _ := d.say(t.Context(), test.who, "confirm "+test.code); !strings.Contains(answer, test.want) {
			t.Errorf("%s: it is answered %q", name, answer)
		}
	}
	d.advance(6 * time.Minute)
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code); !strings.Contains(answer, "too old") {
		t.Errorf("too late: it is answered %q", answer)
	}
	if len(d.handed) != 0 {
		t.Errorf("%d bad codes were handed over", len(d.handed))
	}
}

func TestHandedWorkIsJudgedAsOfItsReceipt(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	d.advance(4 * time.Minute)
	d.say(t.Context(), annaInSlack, "confirm "+code)
	d.advance(9 * time.Minute) // the code's 5 minutes are over
	ctx, cancel := shortly(t.Context())
	defer cancel()
	if answer := d.finish(t, ctx); d.restarts != 1 {
		t.Errorf("it is answered %q after %d restarts", answer, d.restarts)
	}
}

func TestWorkThatWaitedTooLongIsNotDone(t *testing.T) {
	d := newDesk(newCloud(id))
	d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
	d.advance(10*time.Minute + time.Second)
	if answer := d.finish(t, t.Context()); !strings.HasPrefix(answer, "Too late: you sent this 10m ago. Nothing was done.") || d.restarts != 0 {
		t.Errorf("it is answered %q after %d restarts", answer, d.restarts)
	}
	d.logged(t, `"actor":"slack:T1/U1"`, `"verb":"confirm update"`, `"outcome":"refused"`, "too late")
}

// What an operator has taken away since the message came is gone.
func TestARightThatIsGoneIsGoneForHandedWorkToo(t *testing.T) {
	d := newDesk(newCloud(id))
	d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
	d.Allow = nil
	if answer := d.finish(t, t.Context()); !strings.Contains(answer, "may not") || d.restarts != 0 {
		t.Errorf("it is answered %q after %d restarts", answer, d.restarts)
	}
}

// Platforms deliver more than once, one after the other or at the same time.
func TestHandedWorkThatIsDeliveredTwiceChangesNothingTheSecondTime(t *testing.T) {
	d := newDesk(newCloud(id))
	d.say(t.Context(), annaInSlack, "confirm "+d.plan(t))
	ctx, cancel := shortly(t.Context())
	defer cancel()
	for range 3 {
		if answer := d.finish(t, ctx); d.restarts != 1 {
			t.Errorf("it is answered %q after %d restarts", answer, d.restarts)
		}
	}
}

func TestWorkThatCanNotBeHandedOverIsSaidAndTheCodeHoldsOn(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	forbidden := handler.Errorf(handler.Forbidden, "AWS Lambda did not take the work: allow lambda:InvokeFunction to the role")
	forbidden.Code, forbidden.Err = "AccessDeniedException", errors.New("the role is not authorized")
	d.fault = forbidden
	answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code)
	if !strings.Contains(answer, "allow lambda:InvokeFunction") || !strings.Contains(answer, "Nothing was changed. You can use the same code again.") || strings.Contains(answer, "not authorized") {
		t.Errorf("it is answered %q", answer)
	}
	d.logged(t, `"outcome":"failed"`, `"kind":"forbidden"`, `"code":"AccessDeniedException"`, `"cause":"the role is not authorized"`)
	if strings.Contains(d.log.String(), `"handed"`) {
		t.Errorf("it is logged as handed over:\n%s", d.log.String())
	}
	lost := handler.Errorf(handler.Unavailable, "no answer")
	lost.Uncertain = true
	d.fault = lost
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code); !strings.Contains(answer, "do not know whether") || !strings.Contains(answer, "Send status "+id) || strings.Contains(answer, "Nothing was changed") {
		t.Errorf("where the answer was lost it is answered %q", answer)
	}
	d.logged(t, `"outcome":"unknown"`, `"kind":"unavailable"`)
	d.fault = nil
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+code); !strings.HasPrefix(answer, "Started") {
		t.Errorf("used again, it is answered %q", answer)
	}
}

func TestAPanicOnTheWayIsAnswered(t *testing.T) {
	d := newDesk(newCloud(id), func(o *chatops.Options) { o.Hand = func(context.Context, []byte) error { panic("boom") } })
	if answer, _ := d.say(t.Context(), annaInSlack, "confirm "+d.plan(t)); !strings.Contains(answer, "do not know whether") || strings.Contains(answer, "boom") {
		t.Errorf("it is answered %q", answer)
	}
	d.logged(t, `"msg":"panic"`)
}

// inTime says something that a chat waits 2.4 s for.
func (d *desk) inTime(t *testing.T, m chatops.Message, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2400*time.Millisecond)
	defer cancel()
	began := time.Now()
	answer, _ := d.say(ctx, m, text)
	if took := time.Since(began); took > 2400*time.Millisecond {
		t.Errorf("%s is answered after %s", text, took)
	}
	return answer
}

func TestWhatCanNotBeReadInTimeIsHandedOver(t *testing.T) {
	for text, want := range map[string]string{"status " + id: id + ": valid until", "update " + id: "confirm ", "status": id + ": valid until"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(newCloud(id))
			d.takes = 5 * time.Second
			if answer := d.inTime(t, annaInSlack, text); answer != "This takes longer. The answer follows here." {
				t.Errorf("%s is answered %q", text, answer)
			}
			d.logged(t, `"outcome":"answered"`, `"reason":"out of time"`, `"handed":true`)
			if answer := d.finish(t, t.Context()); !strings.Contains(answer, want) {
				t.Errorf("%s is then answered %q, want %q in it", text, answer, want)
			}
		})
	}
}

// A fleet that cannot be seen whole in time is read on.
func TestAFleetTooLargeForAChatIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(newFleet(700))
		d.takes = 100 * time.Millisecond
		if answer := d.inTime(t, annaInSlack, "status"); !strings.HasPrefix(answer, "This takes longer") {
			t.Errorf("it is answered %q", answer)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if answer := d.finish(t, ctx); !strings.Contains(answer, "… and 680 more that expire later") || strings.Contains(answer, "NOT all") {
			t.Errorf("it is then answered %q", answer)
		}
	})
}

func TestWhatCanNotBeHandedOverIsAnsweredAsFarAsItWent(t *testing.T) {
	silent := annaInSlack
	silent.Reply = ""
	for name, test := range map[string]struct {
		who    chatops.Message
		change func(*chatops.Options)
		fault  error
		want   []string
	}{
		"no place to tell it later": {silent, nil, nil, []string{"ran out"}},
		"no key":                    {annaInSlack, func(o *chatops.Options) { o.Key = nil }, nil, []string{"ran out"}},
		"nobody takes it over":      {annaInSlack, func(o *chatops.Options) { o.Hand = nil }, nil, []string{"ran out"}},
		"it is refused":             {annaInSlack, nil, handler.Errorf(handler.Forbidden, "allow fc:InvokeFunction"), []string{"ran out", "Allow fc:InvokeFunction."}},
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
					t.Errorf("%s: it is answered %q", name, answer)
				}
			}
			if len(d.handed) != 0 {
				t.Errorf("%s: it was handed over", name)
			}
		})
	}
}

// What goes on is worth more than an answer in time: a cold start may have used
// all of it.
func TestHandingOverHasItsTimeEvenIfTheChatWaitsNoLonger(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if answer, _ := d.say(ctx, annaInSlack, "confirm "+code); !strings.HasPrefix(answer, "Started") || len(d.handed) != 1 {
		t.Errorf("it is answered %q", answer)
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
			t.Errorf("with too little time again it is answered %q, and handed over %d times", answer, len(d.handed))
		}
	})
}

// There is time now, so people are told how it ended, not that it began.
func TestAHandedChangeIsWatchedAsLongAsThereIsTime(t *testing.T) {
	for lasts, watches := range map[time.Duration]time.Duration{0: 2 * time.Minute, time.Hour: 2 * time.Minute, time.Minute: 45 * time.Second, 14 * time.Second: 0} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(newCloud(id)) // whose changes never come true
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
				t.Errorf("of %s a change is watched for %s, want %s: %s", lasts, took, watches, answer)
			}
		})
	}
}

func TestNobodyElseCanMakeHandedWork(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	for range 2 {
		d.say(t.Context(), annaInSlack, "confirm "+code)
		d.advance(time.Second)
		code = d.plan(t) // another one
	}
	payload := string(d.handed[0])
	if payload == string(d.handed[1]) {
		t.Error("two payloads are sealed with the same nonce")
	}
	for _, secret := range []string{"hooks.slack.com", "confirm", "User", id} {
		if strings.Contains(payload, secret) {
			t.Errorf("the payload shows %s: %s", secret, payload)
		}
	}
	plain, _ := json.Marshal(annaInSlack)
	forged := map[string]string{
		"nothing": "", "no JSON": "x", "an array": "[" + payload + "]", "JSON text": fmt.Sprintf("%q", payload), "null": `{"Handed":null}`, "empty": `{"Handed":""}`,
		"a number": `{"Handed":7}`, "not sealed": fmt.Sprintf(`{"Handed":%q}`, plain), "cut": payload[:len(payload)-6] + `"}`, "short": `{"Handed":"AAAA"}`,
		"another name": strings.Replace(payload, "Handed", "handed", 1), "something beside it": strings.Replace(payload, "{", `{"SSLEnabled":"Update",`, 1),
		"another behind it": strings.TrimSuffix(payload, "}") + `,"Handed":"AAAA"}`, "in another alphabet": strings.Replace(payload, `":"`, `":"+`, 1),
	}
	for name, f := range forged {
		mustNotOpen(t, name, d.Bot, f)
	}
	mustNotOpen(t, "by another key", newDesk(newCloud(id), func(o *chatops.Options) { o.Key = []byte("another key of confirmation codes") }).Bot, payload)
	mustNotOpen(t, "without a key", newDesk(newCloud(id), func(o *chatops.Options) { o.Key = nil }).Bot, payload)
	start := strings.Index(payload, `":"`) + 3
	handlertest.Check(t, func(rt *rapid.T) {
		altered := []byte(payload)
		at := rapid.IntRange(start, len(altered)-3).Draw(rt, "at")
		altered[at] = rapid.SampledFrom([]byte("abcXYZ019-_")).Draw(rt, "byte")
		if string(altered) != payload {
			mustNotOpen(t, "altered", d.Bot, string(altered))
		}
	})
}

func mustNotOpen(t *testing.T, name string, b *chatops.Bot, payload string) {
	t.Helper()
	m, err := b.Open([]byte(payload))
	if !errors.Is(err, handler.Unauthorized) || m != (chatops.Message{}) || handler.AsError(err).Retryable {
		t.Errorf("handed work that is %s opens as %v, %v", name, m, err)
	}
}

func TestAnAddressShowsInNoText(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "address", annaInSlack.Reply)
	fmt.Fprintf(&log, "%v %+v %#v %s %q", annaInSlack, annaInSlack, annaInSlack, annaInSlack.Reply, annaInSlack.Reply)
	if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), "hooks") {
		t.Errorf("it shows in %s", log.String())
	}
}
