package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
)

// bodies returns the bodies of the requests since the last call, by host.
func (w *world) bodies() map[string]string {
	w.internet.mu.Lock()
	defer w.internet.mu.Unlock()
	all := map[string]string{}
	for _, r := range w.got {
		body, _ := io.ReadAll(r.Body)
		all[r.Host] += string(body)
	}
	w.got = nil
	return all
}

func TestANoticeThatWasRefusedOnceIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g tags
		tries, undelivered := 0, 0
		n := New(urlsOf(t, slackURL), Options{
			Remember: g.remember, Undelivered: func(context.Context) { undelivered++ },
			Transport: answering(func() *http.Response {
				if tries++; tries == 1 {
					return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Body: http.NoBody}
				}
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("ok"))}
			}),
		})
		began := time.Now()
		n.Tell(t.Context(), []Note{noteOf(handler.Failed)})
		if took := time.Since(began); tries != 2 || took != time.Second || len(g.of) != 1 || undelivered != 0 {
			t.Errorf("after one 429 the message is sent %d times within %s, the tags are %v, %d messages count as not delivered", tries, took, g.of, undelivered)
		}
	})
}

// A place may ask to wait with Retry-After. The wait must fit into the remaining time.
func TestRetryAfterIsObeyedWithinTheDeadline(t *testing.T) {
	for after, want := range map[string]struct {
		tries int
		took  time.Duration
	}{"2": {3, 4 * time.Second}, "0": {3, 1500 * time.Millisecond}, "3600": {1, 0}, "x": {3, 1500 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			s := Sender{Transport: answering(func() *http.Response {
				tries++
				return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {after}}, Body: io.NopCloser(strings.NewReader(""))}
			})}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			began := time.Now()
			err := s.Send(ctx, Send{Make: empty, Accepted: Taken, Tries: 3})
			if err == nil || tries != want.tries || time.Since(began) != want.took {
				t.Errorf("with Retry-After %s the message is sent %d times in %s: %v", after, tries, time.Since(began), err)
			}
		})
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	for _, renewable := range []bool{true, false} {
		renewed, tries := 0, 0
		s := Sender{Transport: answering(func() *http.Response {
			tries++
			body := `{"code":99991663,"msg":"token expired"}`
			if renewable && renewed > 0 {
				body = `{"code":0}`
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}
		})}
		err := s.Send(t.Context(), Send{Accepted: Taken, Tries: 3, Make: func(ctx context.Context, renew bool) (Post, error) {
			if renew {
				renewed++
			}
			return empty(ctx, renew)
		}})
		if (err == nil) != renewable || renewed != 1 || tries != 2 {
			t.Errorf("a token, renewable %t, is renewed %d times in %d tries: %v", renewable, renewed, tries, err)
		}
	}
}

func empty(context.Context, bool) (Post, error) { return Post{Header: http.Header{}}, nil }

type answering func() *http.Response

func (f answering) RoundTrip(*http.Request) (*http.Response, error) { return f(), nil }

func TestEveryVendorsRefusalIsRecognised(t *testing.T) {
	for body, want := range map[string]string{
		"ok": "", "": "", `{"ok":true}`: "", `{"errcode":0}`: "", `{"code":0}`: "", `{"status":"OK"}`: "", `[]`: "", `{"errcode":"x"}`: "",
		`{"errcode":310000,"errmsg":"sign not match"}`: "code 310000: sign not match", `{"code":230002,"msg":"bot not in chat"}`: "code 230002: bot not in chat", `{"ok":false,"error":"channel_not_found"}`: "channel_not_found",
	} {
		if err := Taken(200, []byte(body)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %v", body, err)
		}
	}
	if err := Taken(503, []byte("ok")); err == nil {
		t.Error("a 503 counts as taken")
	}
	for _, status := range []int{200, 201, 202, 204} { // a relay may answer any of these
		if err := Taken(status, nil); err != nil {
			t.Errorf("%d counts as refused: %v", status, err)
		}
	}
}

// Most vendors report too many messages with status 200.
func TestAMessageToABusyVendorIsSentAgain(t *testing.T) {
	for url, answer := range map[string]string{
		dingtalkURL: `{"errcode":130101,"errmsg":"send too fast"}`, feishuURL: `{"code":11232,"msg":"frequency limited"}`, wecomURL: `{"errcode":45009,"errmsg":"api freq out of limit"}`,
		teamsURL: "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x",
	} {
		busy := true
		w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
			if busy {
				_, _ = io.WriteString(rw, answer)
				return
			}
			well(rw, r)
		})
		p := w.process(t, url)
		p.Tell(ctx, []Note{noteOf(handler.Verified)})
		if n := w.sent(); n != 3 {
			t.Errorf("after %s the message is sent %d times", answer, n)
		}
		busy = false
		if p.Tell(ctx, nil); w.sent() != 1 {
			t.Errorf("after %s a run without news does not send the missed notices", answer)
		}
	}
	for _, body := range []string{`{"ok":false,"error":"ratelimited"}`, `{"errcode":-1,"errmsg":"system busy"}`, `{"code":99991400,"msg":"request trigger frequency limit"}`} {
		if err := Taken(200, []byte(body)); !errors.Is(err, ErrBusy) {
			t.Errorf("%s is read as %v", body, err)
		}
	}
}

// Another try would get the same redirect.
func TestAMessageIsNotSentAgainAfterARedirect(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://elsewhere.example.com/", http.StatusFound)
	})
	p := w.process(t, slackURL)
	p.Tell(ctx, []Note{noteOf(handler.Verified)})
	w.sent()
	if p.Tell(ctx, nil); w.sent() != 0 {
		t.Error("a run without news sends the redirected message again")
	}
}

// A place may repeat the secrets of a message in its answer.
func TestAnErrorContainsNoSecretOfTheBody(t *testing.T) {
	s := Sender{Transport: answering(func() *http.Response {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"code":10014,"msg":"app secret the-app-secret is invalid"}`))}
	})}
	err := s.Send(t.Context(), Send{Accepted: Taken, Make: func(context.Context, bool) (Post, error) {
		return Post{Header: http.Header{}, Secrets: []string{"the-app-secret"}}, nil
	}})
	if err == nil || strings.Contains(err.Error(), "the-app") || !strings.Contains(err.Error(), "10014") {
		t.Errorf("the error is %v", err)
	}
}

// A place that was down gets the missing notices in its next message. The other places get
// no notice twice.
func TestAMissedNoticeIsSentWithTheNextMessage(t *testing.T) {
	down := true
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if down && r.Host == "oapi.dingtalk.com" {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		well(rw, r)
	})
	p := w.process(t, slackURL+","+dingtalkURL)
	p.Tell(ctx, []Note{noteOf(handler.Verified, named(1))})
	if w.sent(); w.undelivered != 1 || !strings.Contains(w.log.String(), "notice not delivered") {
		t.Errorf("%d count as not delivered, and the log has\n%s", w.undelivered, &w.log)
	}
	down, w.now = false, w.now.Add(time.Hour)
	p.Tell(ctx, []Note{noteOf(handler.Failed, named(2))})
	got := w.bodies()
	for host, both := range map[string]bool{"oapi.dingtalk.com": true, "hooks.slack.com": false} {
		if !strings.Contains(got[host], noteOf(handler.Failed, named(2)).InstanceID) || strings.Contains(got[host], noteOf(handler.Failed, named(1)).InstanceID) != both {
			t.Errorf("%s is sent %s", host, got[host])
		}
	}
	if p.Tell(ctx, nil); w.sent() != 0 {
		t.Error("a notice that was sent late is sent again")
	}
}

func TestARunWithoutNewsSendsMissedNotices(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
	p := w.process(t, slackURL)
	p.Tell(ctx, []Note{noteOf(handler.Verified)})
	w.serve = nil
	w.sent()
	p.Tell(ctx, nil)
	if n := w.sent(); n != 1 {
		t.Errorf("the notice is sent in %d messages", n)
	}
}

func TestAFilterLimitsTheNoticesOfAPlace(t *testing.T) {
	at := func(region, team string) func(*Note) {
		return func(n *Note) { n.RegionID, n.Tags = region, map[string]string{"team": team} }
	}
	w := newWorld(t, nil)
	setting := slackURL + " region=cn-beijing|cn-sh* , " + dingtalkURL + " tag:team=pay*," + feishuURL + " region=cn-beijing tag:team=web"
	p := w.process(t, setting)
	for i, test := range []struct {
		note Note
		want string
	}{
		{noteOf(handler.Failed, named(1), at("cn-beijing", "")), "hooks.slack.com"},
		{noteOf(handler.Failed, named(2), at("cn-shanghai", "payments")), "hooks.slack.com oapi.dingtalk.com"},
		{noteOf(handler.Failed, named(3), at("cn-beijing", "web")), "hooks.slack.com open.feishu.cn"},
		{noteOf(handler.Failed, named(4), at("cn-hangzhou", "")), "hooks.slack.com oapi.dingtalk.com open.feishu.cn"},
		{noteOf(handler.Failed, unseen, failedBy(handler.Invalid), func(n *Note) { n.InstanceID, n.RegionID = "", "" }), "hooks.slack.com oapi.dingtalk.com open.feishu.cn"},
	} {
		p.Tell(ctx, []Note{test.note})
		got := w.bodies()
		for _, host := range []string{"hooks.slack.com", "oapi.dingtalk.com", "open.feishu.cn"} {
			if _, told := got[host]; told != strings.Contains(test.want, host) {
				t.Errorf("note %d: %s sent is %t", i, host, told)
			}
		}
	}
}

// A sweep reads an opted-out instance every hour.
func TestAnOptedOutInstanceIsReportedOnceAWeek(t *testing.T) {
	for _, tagged := range []bool{true, false} {
		w := newWorld(t, nil)
		if !tagged {
			w.fail = handler.Errorf(handler.Forbidden, "no")
		}
		p := w.process(t, slackURL)
		told := ""
		for hour := range 24 * 15 {
			w.now = now.AddDate(0, 0, -30).Add(time.Duration(hour) * time.Hour)
			note := noteOf(handler.Refused, alerting, func(n *Note) { n.Tags = map[string]string{"tairssl": "off"} })
			p.Tell(ctx, []Note{w.seen(note)})
			if w.sent() > 0 {
				told += fmt.Sprintf("%d ", hour/24)
			}
		}
		if told != "0 7 14 " {
			t.Errorf("with a tag %t, notices are sent on the days %s", tagged, told)
		}
	}
}
