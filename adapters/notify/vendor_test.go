package notify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares bytes with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; it is now\n%s", file, got)
	}
}

// digestOf is the digest of notes, without any earlier notice.
func digestOf(notes ...Note) digest {
	n := New(URLs{}, Options{On: both, Now: func() time.Time { return now }})
	return newDigest(n.choose(notes))
}

func named(i int) func(*Note) {
	return func(n *Note) { n.InstanceID = fmt.Sprintf("r-bp1zxszhcgatn%03d", i) }
}

// orders gives the instance a name.
func orders(n *Note) { n.InstanceName = "orders-cache" }

func renewed(n *Note) {
	n.After = &handler.State{SSLEnabled: "Enable", SSLExpiredTime: handler.At(expiry.AddDate(3, 0, 0))}
	n.CertDownloadURL = "https://apsaradb-public.example.com/ApsaraDB-CA-Chain.zip?a=1&b=2"
}

// digests are the messages with golden bodies for each vendor.
var digests = map[string]func() digest{
	"one-failed": func() digest { return digestOf(noteOf(handler.Failed, orders, failedBy(handler.Forbidden))) },
	"one-done":   func() digest { return digestOf(noteOf(handler.Verified, orders, renewed)) },
	"one-new-ca": func() digest {
		return digestOf(noteOf(handler.Verified, orders, renewed, alerting, func(n *Note) {
			n.CA = &handler.CAChange{Before: strings.Repeat("0a", 32), After: strings.Repeat("1b", 32), Changed: true, Says: "CA changed: clients that trust only the old one cannot connect"}
			n.Reason += "; " + n.CA.Words()
		}))
	},
	"markup": func() digest {
		return digestOf(noteOf(handler.Failed, unseen, failedBy(handler.Invalid), func(n *Note) {
			n.InstanceID, n.InstanceName = "<!channel>", "<!here> [a](https://evil.example)\n\u202e*b* `c` <@U1>"
			n.Reason = "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example|here> <@all> *bold* `code` a & b\n# head \\"
		}))
	},
	"sweep": func() digest {
		notes := []Note{
			noteOf(handler.Verified, renewed, named(900)), noteOf(handler.Accepted, named(901), orders), noteOf(handler.Refused, named(902)),
			noteOf(handler.Unknown, named(903)), noteOf(handler.Failed, failedBy(handler.Unavailable), named(904), orders), noteOf(handler.Deferred, alerting, named(905)),
			noteOf(handler.Failed, failedBy(handler.Invalid), unseen, func(n *Note) { n.InstanceID, n.RegionID = "", "" }),
			noteOf(handler.InProgress, busy, named(906)),
		}
		for i := range 30 {
			notes = append(notes, noteOf(handler.Deferred, named(i), func(n *Note) { n.Reason = "the maintenance window opens 2026-11-21 18:00 UTC" }))
		}
		return digestOf(notes...)
	},
}

func TestBodies(t *testing.T) {
	for name, make := range digests {
		for _, target := range urlsOf(t, allURLs) {
			t.Run(name+" "+target.name, func(t *testing.T) {
				p := target.fit(make(), now)
				if !json.Valid(p.Body) || len(p.Body) > target.limit {
					t.Errorf("the body has %d bytes, or is no JSON", len(p.Body))
				}
				if bytes.Contains(p.Body, []byte("SECRET")) {
					t.Error("the body holds a secret")
				}
				golden(t, name+"."+target.name+".json", append(p.Body, '\n'))
			})
		}
	}
}

func TestAnInstanceIsCalledByItsNameAndId(t *testing.T) {
	for name, want := range map[string]string{
		"": "r-1 (cn-hangzhou)", "r-1": "r-1 (cn-hangzhou)", "orders-cache": "orders-cache (r-1, cn-hangzhou)", "购物车": "购物车 (r-1, cn-hangzhou)",
		" a\nb\u202ec\x1b[31m ": "a b c [31m (r-1, cn-hangzhou)", strings.Repeat("x", 300): strings.Repeat("x", 60) + "… (r-1, cn-hangzhou)",
	} {
		n := Note{Result: handler.Result{InstanceID: "r-1", RegionID: "cn-hangzhou", InstanceName: name}}
		if l := words(n, verified, now); l.who != want {
			t.Errorf("an instance named %.20q is called %q, want %q", name, l.who, want)
		}
	}
}

func TestEveryBodyFitsAndCountsTheOtherInstances(t *testing.T) {
	var notes []Note
	for i := range 100 {
		notes = append(notes, noteOf(handler.Failed, named(i), func(n *Note) { n.Reason = strings.Repeat("证书到期[<&", 100) }))
	}
	for _, target := range urlsOf(t, allURLs) {
		body := string(target.fit(digestOf(notes...), now).Body)
		if len(body) > target.limit {
			t.Errorf("for %s a body has %d bytes, more than %d", target.name, len(body), target.limit)
		}
		named := strings.Count(body, "renewal failed")
		if target.name == "webhook" {
			named = strings.Count(body, `"Outcome"`)
		}
		if more := fmt.Sprintf("And %d more", 100-named); named < 3 || named > maxLines || !strings.Contains(body, more) && !strings.Contains(body, fmt.Sprintf(`"More":%d`, 100-named)) {
			t.Errorf("for %s %d instances are named, and it does not say %q", target.name, named, more)
		}
	}
	for _, target := range urlsOf(t, allURLs) {
		if body := target.fit(digestOf(notes[0]), now).Body; len(body) > target.limit {
			t.Errorf("for %s a body of one line has %d bytes", target.name, len(body))
		}
	}
}

func TestOnlySuccessesHaveTheURLOfTheCA(t *testing.T) {
	for _, o := range []handler.Outcome{handler.Failed, handler.Unknown, handler.Refused, handler.Deferred} {
		for _, target := range urlsOf(t, allURLs) {
			if body := target.fit(digestOf(noteOf(o, renewed)), now).Body; bytes.Contains(body, []byte("CA-Chain")) {
				t.Errorf("%s gets a notice of %s with the URL: %s", target.name, o, body)
			}
		}
	}
	for _, bad := range []string{"", "javascript:alert(1)", "https://a/)[x](https://evil", "https://a b", "https://u:p@a/", "ftp://a/", "https://a|b"} {
		note := noteOf(handler.Verified, renewed, func(n *Note) { n.CertDownloadURL = bad })
		if d := digestOf(note); d.lines[0].next.url != "" {
			t.Errorf("%q is given as an address", bad)
		}
	}
}

// The expected signatures were computed with other software. The one of Standard Webhooks is
// in its specification.
func TestSignatures(t *testing.T) {
	d := digestOf(noteOf(handler.Failed))
	ding := urlsOf(t, "dingtalk://oapi.dingtalk.com/robot/send?access_token=a&secret=this+is+secret")[0]
	ding.key = []byte("this is secret")
	q := must(url.ParseQuery(ding.fit(d, time.UnixMilli(1577262236757)).URL.RawQuery))
	if q.Get("timestamp") != "1577262236757" || q.Get("sign") != "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=" || q.Get("access_token") != "a" || q.Has("secret") {
		t.Errorf("DingTalk is sent %v", q)
	}
	var sent struct{ Timestamp, Sign string }
	bot := urlsOf(t, "feishu://open.feishu.cn/open-apis/bot/v2/hook/a?secret=demo")[0]
	if err := json.Unmarshal(bot.fit(d, time.Unix(1599360473, 0)).Body, &sent); err != nil || sent.Timestamp != "1599360473" || sent.Sign != "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=" {
		t.Errorf("Feishu is sent %+v, %v", sent, err)
	}
	key := must(webhookKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	if got := signWebhook(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("a webhook is signed %s", got)
	}
	p := urlsOf(t, webhookURL)[0].fit(d, now)
	var event struct{ ID, Type, Subject string }
	if err := json.Unmarshal(p.Body, &event); err != nil || event.Type != "com.aliyun.tair.certificate.failed" || event.Subject != "r-bp1zxszhcgatnx01" ||
		p.Header.Get("Webhook-Id") != event.ID || p.Header.Get("Webhook-Timestamp") != fmt.Sprint(now.Unix()) ||
		p.Header.Get("Webhook-Signature") != signWebhook(key, event.ID, fmt.Sprint(now.Unix()), p.Body) || p.Header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" {
		t.Errorf("a webhook is sent %v with %+v, %v", p.Header, event, err)
	}
	unsigned := urlsOf(t, "dingtalk://oapi.dingtalk.com/robot/send?access_token=a,feishu://open.feishu.cn/open-apis/bot/v2/hook/a")
	if p := unsigned[0].fit(d, now); p.URL.RawQuery != "access_token=a" {
		t.Errorf("without a secret DingTalk is sent %s", p.URL.RawQuery)
	}
	if p := unsigned[1].fit(d, now); bytes.Contains(p.Body, []byte("sign")) || bytes.Contains(p.Body, []byte("timestamp")) {
		t.Errorf("without a secret Feishu is sent %s", p.Body)
	}
}

func TestWebhookKeysHaveALength(t *testing.T) {
	for bytes, ok := range map[int]bool{23: false, 24: true, 64: true, 65: false} {
		if _, err := webhookKey(whsec + base64.StdEncoding.EncodeToString(make([]byte, bytes))); (err == nil) != ok {
			t.Errorf("a key of %d bytes: %v", bytes, err)
		}
	}
}

// answers lists answers of each vendor. want is a part of the error; it is "" if the message
// was taken.
var answers = []struct {
	vendor string
	status int
	body   string
	want   string
}{
	{"slack", 200, "ok", ""},
	{"slack", 200, "<html>", "status 200: <html>"},
	{"slack", 404, "no_service", "status 404: no_service"},
	{"slack", 403, "invalid_token", "invalid_token"},
	{"slack", 400, "invalid_blocks", "invalid_blocks"},
	{"slack", 429, "rate_limited", "status 429"},
	{"slack", 500, "rollup_error", "status 500"},
	{"dingtalk", 200, `{"errcode":0,"errmsg":"ok"}`, ""},
	{"dingtalk", 200, `{"errcode":310000,"errmsg":"keywords not in content"}`, "code 310000: keywords not in content: compare the robot's keyword"},
	{"dingtalk", 200, `{"errcode":310000,"errmsg":"sign not match"}`, "sign not match"},
	{"dingtalk", 200, `{"errcode":300001,"errmsg":"token is not exist"}`, "code 300001: token is not exist"},
	{"dingtalk", 200, `{"errcode":130101,"errmsg":"send too fast"}`, "code 130101"},
	{"dingtalk", 200, ``, "the answer has no result code"},
	{"dingtalk", 200, `{}`, "the answer has no result code"},
	{"dingtalk", 200, `{"errcode":"0"}`, "the answer has no result code"},
	{"dingtalk", 502, `{"errcode":0}`, "status 502"},
	{"feishu", 200, `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`, ""},
	{"feishu", 200, `{"StatusCode":0,"StatusMessage":"success"}`, ""},
	{"feishu", 200, `{"code":19021,"data":{},"msg":"sign match fail or timestamp is not within one hour from current time"}`, "code 19021: sign match fail or timestamp is not within one hour from current time: compare the bot's secret"},
	{"feishu", 200, `{"code":19024,"msg":"Key Words Not Found","StatusCode":0}`, "make tairssl the bot's keyword"},
	{"feishu", 200, `{"code":19022,"msg":"Ip Not Allowed"}`, "add the address of this function"},
	{"feishu", 400, `{"code":9499,"msg":"Bad Request"}`, "code 9499: Bad Request"},
	{"wecom", 200, `{"errcode":0,"errmsg":"ok"}`, ""},
	{"wecom", 200, `{"errcode":93000,"errmsg":"invalid webhook url, hint: [1592021214]"}`, "compare the robot's URL"},
	{"wecom", 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`, "20 messages a minute"},
	{"wecom", 200, `<html>`, "a proxy"},
	{"teams", 202, "", ""},
	{"teams", 200, "1", ""},
	{"teams", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x", "HTTP error 429"},
	{"teams", 404, "", "status 404"},
	{"mattermost", 200, "ok", ""},
	{"mattermost", 400, "Unable to parse", "Unable to parse"},
	{"webhook", 200, "", ""},
	{"webhook", 204, "", ""},
	{"webhook", 202, `{"errcode":1}`, ""},
	{"webhook", 401, "", "status 401"},
	{"webhook", 503, "", "status 503"},
}

func TestEveryVendorsAnswers(t *testing.T) {
	tested := map[string]bool{}
	for _, test := range answers {
		tested[test.vendor] = true
		err := vendors[test.vendor].accepted(test.status, []byte(test.body))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s answers %d %s: %v, want %q", test.vendor, test.status, test.body, err, test.want)
		}
	}
	if len(tested) != len(vendors) {
		t.Errorf("of %d vendors %d are tested", len(vendors), len(tested))
	}
}
