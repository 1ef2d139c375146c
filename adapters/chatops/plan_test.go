package chatops_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

func TestPlansThatNeedNoCode(t *testing.T) {
	c := newCloud(id, "r-fresh12345", "r-off1234567")
	c.ssl["r-fresh12345"] = handler.SSL{Enabled: true, Expires: c.now.AddDate(1, 0, 0)}
	c.ssl["r-off1234567"] = handler.SSL{}
	for text, want := range map[string]string{
		"update r-fresh12345":       "not within 30d",
		"update r-off1234567":       "ncryption is off",
		"update r-gonegone":         "o instance r-gonegone",
		"update " + id + " dry-run": "dry run",
		"enable " + id:              "TAIRSSL_ACTIONS",
	} {
		if answer, code := say(c.bot("slack:T1/U1 * *"), anna, text); code != "" || !strings.Contains(answer, want) {
			t.Errorf("%s is answered %q with code %q", text, answer, code)
		}
	}
	if answer, code := say(c.bot("slack:T1/U1 * *", func(o *chatops.Options) { o.Key = nil }), anna, "update "+id); code != "" || !strings.Contains(answer, "TAIRSSL_CONFIRM_KEY") {
		t.Errorf("the answer without a key is %q", answer)
	}
	if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, "status"); !strings.HasPrefix(answer, id+": valid until 2026-12-06 (in 12d), Normal, renewal due") {
		t.Errorf("status is answered %q", answer)
	}
}

// A certificate with a wrong name is updated long before its expiry. The person who decides
// on the restart has to know the reason.
func TestAPlanSaysWhy(t *testing.T) {
	c := newCloud(id, "r-renamed1234")
	c.ssl["r-renamed1234"] = handler.SSL{Enabled: true, Expires: c.now.AddDate(2, 0, 0), CommonName: "old.redis.rds.aliyuncs.com"}
	c.domains = map[string]string{"r-renamed1234": "new.redis.rds.aliyuncs.com"}
	for instance, want := range map[string]string{"r-renamed1234": "old.redis.rds.aliyuncs.com is not that of the endpoint new.redis.rds.aliyuncs.com", id: "Why: Certificate expires in 12d, within 30d"} {
		if answer, code := say(c.bot("slack:T1/U1 * *"), anna, "update "+instance); code == "" || !strings.Contains(answer, want) {
			t.Errorf("the plan for %s does not say %q: %q", instance, want, answer)
		}
	}
}

// If the API does not answer in time, the audit line still has the sender and the command.
// The answer says whether a change is possible.
func TestACommandThatRanOutOfTimeIsAudited(t *testing.T) {
	var log bytes.Buffer
	c := newCloud(id)
	b := c.bot("slack:T1/U1 * *", func(o *chatops.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	_, code := say(b, anna, "update "+id)
	c.deaf, c.asked = make(chan struct{}), make(chan struct{})
	defer close(c.deaf)
	for text, want := range map[string][]string{
		"confirm " + code: {"do not know whether the change was made", `"verb":"confirm update","instance":"","region":"","outcome":"unknown","reason":"out of time"`},
		"update " + id:    {"Nothing was changed", `"verb":"update","instance":"` + id + `","region":"","outcome":"failed","reason":"out of time"`},
		"status " + id:    {"Nothing was changed", `"verb":"status","instance":"` + id + `","region":"","outcome":"failed","reason":"out of time"`},
	} {
		log.Reset()
		m := anna
		m.Text = text
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-c.asked; cancel() }()
		answer := strings.Join(b.Say(ctx, m).Lines, "\n")
		if strings.HasPrefix(text, "confirm") { // until now it was only handed over
			log.Reset()
			m.Received = c.Now()
			answer = strings.Join(b.Finish(ctx, m).Lines, "\n")
		}
		if !strings.Contains(answer, want[0]) || !strings.Contains(log.String(), want[1]) {
			t.Errorf("%.20s: the answer is %q, and the log has\n%s", text, answer, log.String())
		}
	}
}

func TestAuditLinesAreBounded(t *testing.T) {
	var log bytes.Buffer
	c := newCloud(id)
	b := c.bot("", func(o *chatops.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	long := strings.Repeat("x", 60000)
	say(b, chatops.Message{Platform: "dingtalk", Tenant: long, User: long, Channel: long}, "status")
	if log.Len() == 0 || log.Len() > 2000 {
		t.Errorf("ids of 60000 characters leave %d bytes of log", log.Len())
	}
}
