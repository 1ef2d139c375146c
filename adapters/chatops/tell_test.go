package chatops_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// started is a chat with handed work: a change that was confirmed in Slack.
func started(t *testing.T, change ...func(*chatops.ChatOptions, *chatops.Options)) *chat {
	t.Helper()
	c := newChat(change...)
	code := codeIn.FindStringSubmatch(c.send(said("slack", "update "+id)).Body.String())[1]
	if w := c.send(said("slack", "confirm "+code)); !strings.Contains(w.Body.String(), "Started") || len(c.handed) != 1 {
		t.Fatalf("confirm is answered %s", w.Body)
	}
	c.log.Reset()
	return c
}

func TestTheResultOfAChangeGoesWhereTheMessageCameFrom(t *testing.T) {
	for platform, want := range map[string]string{"slack": "/commands/T1/secret", "dingtalk": "/robot/sendBySession", "feishu": "/open-apis/im/v1/messages/om_1/reply", "mattermost": "/hooks/commands/secret", "teams": ""} {
		c := newChat()
		code := codeIn.FindStringSubmatch(c.send(said(platform, "update "+id)).Body.String())[1]
		c.send(said(platform, "confirm "+code))
		c.log.Reset()
		told := c.work(t, time.Minute)
		if want == "" && told != "" || !strings.Contains(told, want) || want != "" && !strings.Contains(told, "Done: ") || c.restarts != 1 {
			t.Errorf("%s: the result is reported as %q after %d restarts", platform, told, c.restarts)
		}
		if log := c.log.String(); !strings.Contains(log, `"trigger":"handed/`+platform+`"`) || strings.Contains(log, `"reply":"sent"`) == (want == "") {
			t.Errorf("%s: the log has\n%s", platform, log)
		}
	}
}

// An answer is sent again if the platform is down for a moment, but not if the platform
// refuses it. The work never counts as failed, and the log never shows the address.
func TestAnAnswerIsSentAgainIfThatCanHelp(t *testing.T) {
	for name, test := range map[string]struct {
		answers []int // statuses of the platform; the last one repeats
		tries   int
		reply   string
	}{
		"taken":          {[]int{200}, 1, "sent"},
		"down once":      {[]int{500, 200}, 2, "sent"},
		"too many":       {[]int{429, 429, 200}, 3, "sent"},
		"down for good":  {[]int{503}, 3, "answered with status 503"},
		"not the sender": {[]int{404}, 1, "answered with status 404"},
		"sent elsewhere": {[]int{302}, 1, "answered with a redirect (302), which is not followed: set the URL to which it redirects"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := started(t)
			tries := 0
			c.vendor.answer = func(string) (int, string) {
				tries++
				return test.answers[min(tries, len(test.answers))-1], "ok"
			}
			c.work(t, time.Minute)
			if tries != test.tries || c.restarts != 1 {
				t.Errorf("%s: after %d restarts the answer was sent %d times, want %d", name, c.restarts, tries, test.tries)
			}
			if log := c.log.String(); !strings.Contains(log, `"reply":"`+test.reply+`"`) || strings.Contains(log, "secret") {
				t.Errorf("%s: the log has\n%s", name, log)
			}
		})
	}
}

func TestAnAnswerToASilentPlatformIsSentWhileThereIsTime(t *testing.T) {
	for _, lasts := range []time.Duration{time.Minute, 24 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c := started(t)
			asked := &silent{}
			c.Transport = asked
			c.slow = time.Hour // the work uses up all its time
			ctx, cancel := context.WithTimeout(t.Context(), lasts)
			defer cancel()
			began := time.Now()
			if err := c.Handed(ctx, c.handed[0]); err != nil || time.Since(began) > lasts {
				t.Errorf("with %s of time the work took %s: %v", lasts, time.Since(began), err)
			}
			if asked.times < 2 || asked.times > 3 || strings.Contains(c.log.String(), "secret") || !strings.Contains(c.log.String(), `"reply":`) {
				t.Errorf("with %s of time it was asked %d times, and the log has\n%s", lasts, asked.times, c.log)
			}
		})
	}
}

// silent is a platform that never answers.
type silent struct{ times int }

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.times++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// broken is a transport that panics.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { panic("broken") }

func TestAPanicWhileAnsweringDoesNotFailTheWork(t *testing.T) {
	c := started(t)
	c.Transport = broken{}
	if err := c.Handed(t.Context(), c.handed[0]); err != nil || c.restarts != 1 || !strings.Contains(c.log.String(), `"reply":"an unexpected fault`) {
		t.Errorf("the work ends with %v after %d restarts:\n%s", err, c.restarts, c.log)
	}
}

// If the invocation ends before the work, the answer says what is known.
func TestWorkThatIsCutShortSaysSo(t *testing.T) {
	c := started(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Handed(ctx, c.handed[0]); err != nil {
		t.Fatal(err)
	}
	last := c.vendor.got[len(c.vendor.got)-1]
	if !strings.Contains(last, "do not know whether the change was made") && !strings.Contains(last, "Failed.") || c.restarts != 0 {
		t.Errorf("the result is reported as %s after %d restarts", last, c.restarts)
	}
}

func TestForgedHandedWorkIsUnauthorized(t *testing.T) {
	c := started(t)
	altered := slices.Clone(c.handed[0])
	if altered[40]++; altered[40] == '"' || altered[40] > 'z' {
		altered[40] = 'A'
	}
	for _, payload := range [][]byte{[]byte(`{"Handed":"x"}`), []byte(`{"Handed":"x","Sweep":{}}`), altered} {
		c.log.Reset()
		if err := c.Handed(t.Context(), payload); !errors.Is(err, handler.Unauthorized) || c.restarts != 0 || !strings.Contains(c.log.String(), `"denied"`) || !strings.Contains(c.log.String(), `"level":"ERROR"`) {
			t.Errorf("%s ends with %v after %d restarts:\n%s", payload, err, c.restarts, c.log)
		}
	}
}

// A cold start leaves less time for the answer, because the platform counts from the time
// at which it sent the message.
func TestTheTimeForAnAnswerBeginsAtTheReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChat()
		c.looks = time.Hour
		k := said("slack", "status "+id)
		r := httptest.NewRequest(http.MethodPost, k.path, strings.NewReader(k.body))
		r.Header = k.header
		r = r.WithContext(webhook.Began(t.Context(), time.Now().Add(-1200*time.Millisecond)))
		began := time.Now()
		w := httptest.NewRecorder()
		if c.web.ServeHTTP(w, r); time.Since(began) > 1300*time.Millisecond || !strings.Contains(w.Body.String(), "This takes longer") {
			t.Errorf("the answer after %s is %s", time.Since(began), w.Body)
		}
	})
}

// Teams waits longer. It takes no later answer, so the person is asked to try again.
func TestASlowReadIsAnsweredWithinThePlatformsLimit(t *testing.T) {
	for platform, test := range map[string]struct {
		within time.Duration
		says   string
	}{
		"slack": {2500 * time.Millisecond, "This takes longer"}, "mattermost": {2500 * time.Millisecond, "This takes longer"},
		"dingtalk": {2500 * time.Millisecond, "This takes longer"}, "feishu": {2500 * time.Millisecond, "This takes longer"}, "teams": {4 * time.Second, "ran out"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newChat()
			c.looks, c.vendor.takes = time.Hour, 250*time.Millisecond
			began := time.Now()
			w := c.send(said(platform, "status "+id))
			if took := time.Since(began); took > test.within || !strings.Contains(w.Body.String(), test.says) || len(c.handed) == 1 == (platform == "teams") {
				t.Errorf("%s: the answer after %s is %s, with %d pieces of work handed over", platform, took, w.Body, len(c.handed))
			}
		})
	}
}

// The address of a Mattermost server may be written in several ways.
func TestAReplyHostMayBeWrittenInManyForms(t *testing.T) {
	for _, test := range []struct {
		listed, address string
		sent            bool
	}{
		{"chat.example.com", "https://Chat.Example.com/hooks/commands/secret", true},
		{"chat.example.com", "https://chat.example.com:443/hooks/commands/secret", true},
		{"chat.example.com:443", "https://chat.example.com/hooks/commands/secret", true},
		{"chat.example.com:8443", "https://chat.example.com/hooks/commands/secret", false},
		{"chat.example.com", "https://chat.example.com./hooks/commands/secret", false},
		{"chat.example.com", "https://chat.example.com:8443/hooks/commands/secret", false},
		{"chat.example.com", "https://chat.example.com@evil.example/hooks", false},
		{"chat.example.com", "https:chat.example.com/hooks", false},
		{"chat.example.com", "https://[::1]/hooks", false},
		{"chat.example.com", "https://chat。example.com/hooks", false},
		{"hooks.slack.com:443", "https://hooks.slack.com/hooks", false},
	} {
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) { o.ReplyHosts = []string{test.listed} })
		say := func(text string) string {
			return c.send(knock{path: "/mattermost", body: slashCommand(text, test.address), header: said("mattermost", "").header}).Body.String()
		}
		say("confirm " + codeIn.FindStringSubmatch(say("update " + id))[1])
		if told := c.work(t, time.Minute); (told != "") != test.sent || c.restarts != 1 {
			t.Errorf("with %s listed, %s is sent %q", test.listed, test.address, told)
		}
	}
}

// hanging is a platform that never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A hanging request for an access token delays only its own message.
func TestAHangingTokenRequestDelaysOnlyItsOwnMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChat()
		c.Transport = hanging{}
		var all sync.WaitGroup
		for range 5 {
			k := said("feishu", "help")
			all.Go(func() {
				began := time.Now()
				if c.send(k); time.Since(began) > 2600*time.Millisecond {
					t.Errorf("the answer comes after %s", time.Since(began))
				}
			})
		}
		all.Wait()
	})
}

// A platform that is down for some seconds gets the answer later. A refused answer is not
// sent again.
func TestALostAnswerIsGivenByAnotherInvocation(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		again  bool
	}{"down": {503, "", true}, "too many": {200, `{"errcode":130101}`, true}, "refused": {200, `{"errcode":310000}`, false}, "gone": {404, "", false}} {
		synctest.Test(t, func(t *testing.T) {
			c := newChat()
			c.vendor.answer = func(string) (int, string) { return test.status, test.body }
			c.send(said("dingtalk", "update "+id))
			if len(c.handed) == 1 != test.again {
				t.Fatalf("%s: %d messages are handed over", name, len(c.handed))
			}
			c.vendor.answer = nil
			told := c.work(t, time.Minute)
			if codeIn.MatchString(told) != test.again || c.restarts != 0 {
				t.Fatalf("%s: the answer is %q after %d restarts", name, told, c.restarts)
			}
			if !test.again {
				return
			}
			c.vendor.answer = func(string) (int, string) { return test.status, test.body }
			c.send(said("dingtalk", "confirm "+codeIn.FindStringSubmatch(told)[1]))
			c.vendor.answer = nil
			if told := c.work(t, time.Minute); c.restarts != 1 || strings.Count(told, "Done: ") != 1 {
				t.Errorf("%s: the result is reported as %q after %d restarts", name, told, c.restarts)
			}
		})
	}
}
