package lambda_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"golang.org/x/sync/errgroup"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/lambda"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// secrets are all that must not be seen, each unlike any other, and unlike
// anything that is printed for another reason.
var secrets = map[string]string{
	"access key id":          "LTAIleakKeyId7Qx93TzWm",
	"access key secret":      "leak/KeySecret+9vKz3RmQw71==",
	"security token":         "leakSecurityToken+CAIS/w8BzQ4tL0nXs==",
	"wrong key's secret":     "leak/WrongSecret+5bNq8YtRe22==",
	"role's key id":          "STS.leakRoleKeyIdP4w8sZ",
	"role's key secret":      "leakRoleSecretH6y2mVbX0c",
	"role's token":           "leakRoleToken+CAISu3/9dKfJ==",
	"identity token":         "eyJleakIdentity.eyJzdWIiOiJhcm46YXdzIn0.bGVha1NpZw",
	"AWS key id":             awsKey.AccessKeyID,
	"AWS key secret":         awsKey.SecretAccessKey,
	"AWS session token":      awsKey.SessionToken,
	"standard webhooks":      "whsec_" + base64.StdEncoding.EncodeToString([]byte("leak of Standard Webhooks, 7Tz")),
	"github":                 "leakGitHubSecret-2pLm6Xc",
	"alert token":            "leakAlertToken.4kTr9Wn",
	"alert password":         "leakAlertPassword&8sDv1Jb",
	"grafana":                "leakGrafanaSecret-6gHy3Qp",
	"slack":                  "leakSlackSecret-1wEr5Ty",
	"dingtalk":               "leakDingSecret-9iOp2As",
	"feishu key":             "leakFeishuKey-3dFg7Hj",
	"feishu token":           "leakFeishuToken-5kLz8Xc",
	"feishu app secret":      "leakFeishuApp-4vBn6Mq",
	"teams":                  base64.StdEncoding.EncodeToString([]byte("leak of Teams' token, 5Yz9q")),
	"mattermost":             "leakMattermost-7wSx1Ed",
	"confirmation key":       "leakConfirmKey-8rFv2Tg",
	"slack's URL":            "leakSlackURL6yHn4Uj",
	"dingtalk's URL":         "leakDingURL0okMp3Lq",
	"dingtalk's signing key": "SECleakDingSign5zAw9Sx",
	"feishu's URL":           "leakFeishuURL-2dCr8Fv",
	"wecom's URL":            "leakWeComURL-7gBy1Hn",
	"webhook's key":          "whsec_" + base64.StdEncoding.EncodeToString([]byte("leak of a notice's key, 4Rq7")),
	"feishu's bearer":        "t-leakTenantBearer3xZq8",
	"reply's URL":            "leakReplyURL-6mJu4Ki",
}

// forms are the ways in which a secret may stand in a text. The ends of it are
// enough: a text may be cut.
func forms(secret string) map[string]string {
	const ends = 14
	head, tail := secret[:min(ends, len(secret))], secret[max(0, len(secret)-ends):]
	quoted, _ := json.Marshal(secret)
	all := map[string]string{
		"plain": head, "the end of it, plain": tail, "in JSON": strings.Trim(string(quoted), `"`)[:min(ends, len(quoted)-2)],
		"in a URL": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "twice in a URL": url.QueryEscape(url.QueryEscape(secret)),
		"in hex": hex.EncodeToString([]byte(head)), "in capital hex": strings.ToUpper(hex.EncodeToString([]byte(head))),
	}
	// Inside of a longer text base64 looks in one of three ways.
	for shift := range 3 {
		for name, coding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 for URLs": base64.RawURLEncoding} {
			text := coding.EncodeToString([]byte(strings.Repeat("x", shift) + head))
			all[fmt.Sprintf("in %s, shifted by %d", name, shift)] = text[(shift*8+5)/6 : len(text)-1]
		}
	}
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err == nil && len(raw) > 16 {
		all["decoded"] = string(raw[:ends])
	}
	return all
}

// leaks names what can be found of the secrets in a text.
func leaks(text string, secrets map[string]string) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for form, needle := range forms(secrets[name]) {
			if at := strings.Index(text, needle); at >= 0 {
				found = append(found, fmt.Sprintf("%s, %s: …%q…", name, form, text[max(0, at-60):min(len(text), at+60)]))
			}
		}
	}
	return found
}

// ears take down all that leaves the function, but for the calls that it signs.
type ears struct {
	chance *rand.Rand
	stormy atomic.Bool // whether what people and queues are sent may get lost

	mu    sync.Mutex
	texts map[string]*strings.Builder // by channel
	codes map[string]string           // presented or handed out: for the eyes of one
}

func (e *ears) hear(channel string, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.texts[channel] == nil {
		e.texts[channel] = &strings.Builder{}
	}
	e.texts[channel].WriteString(text + "\n")
}

func (e *ears) present(name, secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(secret) > 14 {
		e.codes[fmt.Sprint(name, " ", len(e.codes))] = secret
	}
}

// channel is a writer that is listened to.
type channel struct {
	*ears
	name string
}

func (c channel) Write(b []byte) (int, error) { c.hear(c.name, string(b)); return len(b), nil }

// RoundTrip is where messages to people go: it answers in ways that tempt to
// print what was sent.
func (e *ears) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	text := fmt.Sprint(r.Header, " ", string(body))
	if r.URL.Host == "open.feishu.cn" { // whose own secrets these are
		text = strings.NewReplacer(secrets["feishu app secret"], "its own", secrets["feishu's bearer"], "its own").Replace(text)
	}
	to := "notifications"
	for _, reply := range []string{"/commands/", "/sendBySession", "/im/v1/messages/"} {
		if strings.Contains(r.URL.Path, reply) {
			to = "replies" // to who asked
		}
	}
	e.hear(to, text)
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{"Location": {r.URL.String()}}}, nil
	}
	if strings.HasSuffix(r.URL.Path, "/tenant_access_token/internal") {
		return answer(http.StatusOK, fmt.Sprintf(`{"code":0,"tenant_access_token":%q,"expire":7200}`, secrets["feishu's bearer"]))
	}
	if !e.stormy.Load() {
		return answer(http.StatusOK, "ok")
	}
	switch e.chance.IntN(6) {
	case 0:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	case 1:
		return answer(http.StatusInternalServerError, r.URL.String()+text)
	case 2:
		return answer(http.StatusFound, r.URL.String())
	case 3:
		return answer(http.StatusOK, `{"errcode":310000,"errmsg":`+string(handler.JSON("sign not match: "+r.URL.String()))+`}`)
	case 4:
		panic("the transport is broken")
	}
	return answer(http.StatusOK, "ok")
}

// stage is the emulated world in which chaos happens.
type stage struct {
	*ears
	*tairtest.Emulator
	url     string
	environ []string // of a function with every way in
	queue   queue
}

// queue is what functions hand over, of which Lambda's own API refuses some.
type queue struct {
	mu       sync.Mutex
	payloads [][]byte
}

func (s *stage) take(_ context.Context, _ function.InvokeAPI, payload []byte) error {
	s.hear("handed", string(payload))
	if s.stormy.Load() && s.chance.IntN(6) == 0 {
		return handler.Errorf(handler.Forbidden, "allow lambda:InvokeFunction")
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.payloads = append(s.queue.payloads, payload)
	return nil
}

// work does what was handed over, by some function, and spoils some of it.
func (s *stage) work(f awslambda.Handler) {
	for {
		s.queue.mu.Lock()
		n := len(s.queue.payloads)
		if n == 0 {
			s.queue.mu.Unlock()
			return
		}
		payload := s.queue.payloads[n-1]
		s.queue.payloads = s.queue.payloads[:n-1]
		s.queue.mu.Unlock()
		if s.stormy.Load() && s.chance.IntN(6) == 0 {
			payload[s.chance.IntN(len(payload))] ^= 1
		}
		s.invoke(f, payload)
	}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{ears: &ears{chance: handlertest.Chance(t), texts: map[string]*strings.Builder{}, codes: map[string]string{}}}
	var err error
	if s.Emulator, err = tairtest.New(tairtest.Options{Lag: -1, ChangeTime: -1, Keys: map[string]string{
		secrets["access key id"]: secrets["access key secret"], secrets["role's key id"]: secrets["role's key secret"]}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if s.url, err = s.ListenHTTP("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "mattermost")
	if err := os.WriteFile(file, []byte(secrets["mattermost"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	extension := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Aws-Parameters-Secrets-Token") != awsKey.SessionToken || r.URL.Query().Get("secretId") != "tairssl/key" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, r.Header, secrets["access key secret"])
			return
		}
		secret := handler.JSON(map[string]string{"id": secrets["access key id"], "secret": secrets["access key secret"]})
		_, _ = w.Write(handler.JSON(map[string]string{"SecretString": string(secret)}))
	}))
	t.Cleanup(extension.Close)
	_, port, _ := net.SplitHostPort(extension.Listener.Addr().String())
	s.environ = []string{
		"TAIRSSL_ENDPOINT=" + s.url, "TAIRSSL_LEASE_PAUSE=1ms", "TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0", "TAIRSSL_LOG_LEVEL=debug",
		"TAIRSSL_ACTIONS=Update,Enable,Disable", "TAIRSSL_REGION=cn-hangzhou,cn-shanghai",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=secretsmanager:tairssl/key#id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=secretsmanager:tairssl/key#secret",
		"ALIBABA_CLOUD_SECURITY_TOKEN=" + secrets["security token"],
		"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=" + port, "AWS_SESSION_TOKEN=" + awsKey.SessionToken,
		"TAIRSSL_WEBHOOK_SECRETS=" + secrets["standard webhooks"], "TAIRSSL_GITHUB_SECRETS=" + secrets["github"],
		"TAIRSSL_ALERT_TOKENS=" + secrets["alert token"], "TAIRSSL_ALERT_BASIC=someone:" + secrets["alert password"], "TAIRSSL_GRAFANA_SECRETS=" + secrets["grafana"],
		"TAIRSSL_SLACK_SIGNING_SECRETS=" + secrets["slack"], "TAIRSSL_DINGTALK_APP_SECRETS=" + secrets["dingtalk"],
		"TAIRSSL_FEISHU_ENCRYPT_KEYS=" + secrets["feishu key"], "TAIRSSL_FEISHU_VERIFICATION_TOKEN=" + secrets["feishu token"],
		"TAIRSSL_FEISHU_APP_ID=cli_a1", "TAIRSSL_FEISHU_APP_SECRET=" + secrets["feishu app secret"],
		"TAIRSSL_TEAMS_SECRETS=" + secrets["teams"], "TAIRSSL_MATTERMOST_TOKENS=file:" + file,
		"TAIRSSL_CONFIRM_KEY=" + secrets["confirmation key"], "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *;dingtalk:T1/U1 * *;feishu:T1/U1 * *;teams:T1/U1 * *;mattermost:T1/U1 * *",
		"TAIRSSL_CHAT_REPLY_HOSTS=oapi.dingtalk.com,open.feishu.cn,hooks.slack.com",
		"TAIRSSL_NOTIFY_URLS=" + strings.Join([]string{
			"slack://hooks.slack.com/services/T1/B1/" + secrets["slack's URL"],
			"dingtalk://oapi.dingtalk.com/robot/send?access_token=" + secrets["dingtalk's URL"] + "&secret=" + secrets["dingtalk's signing key"],
			"feishu://open.feishu.cn/open-apis/bot/v2/hook/" + secrets["feishu's URL"],
			"wecom://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + secrets["wecom's URL"],
			"webhook://example.com/path?secret=" + url.QueryEscape(secrets["webhook's key"])}, ","),
	}
	return s
}

// over is a function of this stage; what is set later counts.
func (s *stage) over(environ ...string) awslambda.Handler {
	set, names := map[string]string{}, []string{}
	for _, entry := range append(slices.Clone(s.environ), environ...) {
		name, _, _ := strings.Cut(entry, "=")
		if set[name] == "" {
			names = append(names, name)
		}
		set[name] = entry
	}
	var all []string
	for _, name := range names {
		all = append(all, set[name])
	}
	return lambda.Over(function.Options{Environ: all, Log: channel{s.ears, "log"}, Transport: s.ears, Invoke: s.take})
}

// invoke sends a payload and hears how it ends.
func (s *stage) invoke(f awslambda.Handler, payload []byte) string {
	// A write is begun with 5 s left at least, and handed work leaves time to tell.
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	answer, err := f.Invoke(ctx, payload)
	shown := string(answer)
	// A confirmation code is for who asked; it may be in the answer alone.
	for _, found := range regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindAllStringSubmatch(shown, -1) {
		s.present("confirmation code", found[1])
	}
	s.hear("answers", shown)
	if err != nil {
		s.hear("errors", err.Error())
	}
	return shown
}

// anyOne is one of many instances, so that not all wait for each other.
func (e *ears) anyOne() string { return fmt.Sprintf("r-chaos%04d", e.chance.IntN(60)) }

// fleet puts everything back to how it was.
func (s *stage) fleet(t *testing.T) {
	t.Helper()
	fleet := tairtest.SampleFleet(s.Now())
	for n := range 60 {
		fleet = append(fleet, tairtest.Instance{InstanceID: fmt.Sprintf("r-chaos%04d", n), SSLExpiredTime: handler.At(s.Now().AddDate(0, 0, 9)).String()})
	}
	if err := s.Put(fleet...); err != nil {
		t.Error(err)
	}
}

// knock is an HTTP request by the gateway of a function URL.
func knock(path string, header http.Header, body string) []byte {
	headers := map[string]string{"content-type": "application/json"}
	for name := range header {
		headers[strings.ToLower(name)] = header.Get(name)
	}
	return handler.JSON(map[string]any{"version": "2.0", "rawPath": path, "headers": headers, "body": body,
		"requestContext": map[string]any{"http": map[string]string{"method": "POST", "sourceIp": "192.0.2.1"}}})
}

// knocks are requests over every route, proved by the right secrets or, if
// forged, by them and a little more.
func (s *stage) knocks(t *testing.T, text string, forged bool) (all [][]byte) {
	t.Helper()
	now, more := time.Now(), ""
	if forged {
		more = "0"
	}
	add := func(path string, header http.Header, err error, body string) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		for name, values := range header {
			for i, value := range values {
				if value += more; name != "Content-Type" {
					s.present("what "+path+" was shown", value)
				}
				values[i] = value
			}
		}
		all = append(all, knock(path, header, body))
	}
	direct := `{"InstanceId":"` + s.anyOne() + `","SSLEnabled":"Update"}`
	alert := `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance_id":"` + s.anyOne() + `"}}]}`
	cloudEvent := `{"specversion":"1.0","id":"1","source":"probe","type":"com.aliyun.tair.certificate.expiring","subject":"` + s.anyOne() + `"}`
	h, err := webhook.SignStandard(secrets["standard webhooks"], fmt.Sprint("msg_", s.chance.Int64()), now, []byte(direct))
	add("/ssl", h, err, direct)
	add("/ssl", webhook.SignGitHub(secrets["github"], []byte(direct)), nil, direct)
	add("/alertmanager", http.Header{"Authorization": {"Bearer " + secrets["alert token"]}}, nil, alert)
	add("/alertmanager", http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("someone:"+secrets["alert password"]))}}, nil, alert)
	add("/grafana", webhook.SignGrafana(secrets["grafana"], now, []byte(alert)), nil, alert)
	add("/cloudevents", http.Header{"Authorization": {"Bearer " + secrets["alert token"]}, "Content-Type": {"application/cloudevents+json"}}, nil, cloudEvent)

	quoted := string(handler.JSON(text))
	form := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {"https://hooks.slack.com/commands/" + secrets["reply's URL"]}}.Encode()
	media := func(h http.Header) http.Header {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		return h
	}
	add("/slack", media(chatops.SignSlack(secrets["slack"], now, []byte(form))), nil, form)
	add("/mattermost", media(http.Header{"Authorization": {"Token " + secrets["mattermost"]}}), nil, form)
	ding := `{"msgtype":"text","text":{"content":` + quoted + `},"senderStaffId":"U1","senderCorpId":"T1","conversationId":"C1","sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=` + secrets["reply's URL"] + `"}`
	add("/dingtalk", chatops.SignDingTalk(secrets["dingtalk"], now), nil, ding)
	teams := `{"type":"message","text":` + quoted + `,"from":{"aadObjectId":"U1"},"conversation":{"id":"C1"},"channelData":{"tenant":{"id":"T1"}}}`
	h, err = chatops.SignTeams(secrets["teams"], []byte(teams))
	add("/teams", h, err, teams)
	feishu := `{"header":{"event_id":"` + fmt.Sprint(s.chance.Int64()) + `","event_type":"im.message.receive_v1","tenant_key":"T1","token":"` + secrets["feishu token"] + `"},"event":{"sender":{"sender_id":{"open_id":"U1"}},"message":{"message_id":"om_1","chat_id":"C1","message_type":"text","content":` + string(handler.JSON(`{"text":`+quoted+`}`)) + `}}}`
	add("/feishu", chatops.SignFeishu(secrets["feishu key"], "nonce", now, []byte(feishu)), nil, feishu)
	return all
}

// check greps everything that was heard for every secret.
func (s *stage) check() (found []string) {
	for _, channel := range []string{"log", "stdout", "stderr", "answers", "replies", "errors", "notifications", "handed"} {
		text := ""
		if b := s.texts[channel]; b != nil {
			text = b.String()
		}
		for _, leak := range leaks(text, secrets) {
			found = append(found, channel+": "+leak)
		}
		if channel == "answers" || channel == "replies" {
			continue // a code is handed out there
		}
		for name, code := range s.codes {
			if at := strings.Index(text, code); at >= 0 {
				found = append(found, fmt.Sprintf("%s: %s: …%q…", channel, name, text[max(0, at-60):min(len(text), at+60)]))
			}
		}
	}
	return found
}

// printed hears what is written to the process's own output while do runs.
func (s *stage) printed(t *testing.T, do func()) {
	t.Helper()
	for name, stream := range map[string]**os.File{"stdout": &os.Stdout, "stderr": &os.Stderr} {
		file, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		was := *stream
		*stream = file
		defer func() {
			*stream = was
			_ = file.Close()
			text, err := os.ReadFile(file.Name())
			if err != nil {
				t.Error(err)
			}
			s.hear(name, string(text))
		}()
	}
	do()
}

// Every trigger, right and forged proofs, faults of the API and of those who
// are told, failing and panicking credentials, wrong settings: whatever happens,
// no secret is printed, answered, or sent to others.
func TestChaosLeaksNothing(t *testing.T) {
	s := newStage(t)
	samples, _ := filepath.Glob("../../events/*.json")
	if len(samples) == 0 {
		t.Fatal("no samples")
	}
	var payloads [][]byte
	for _, sample := range samples {
		payload, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, payload)
	}
	for range 3 {
		payloads = append(payloads, []byte(`{"InstanceId":"`+s.anyOne()+`","SSLEnabled":"Update"}`))
	}
	for _, text := range []string{"status", "status r-bp1zxszhcgatnx01", "update " + s.anyOne(), "disable r-bp1zxszhcgatnx02", "confirm not-a-code", "help"} {
		payloads = append(payloads, s.knocks(t, text, false)...)
		payloads = append(payloads, s.knocks(t, text, true)...)
	}
	payloads = append(payloads, sqs(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`, "poison", `{"Sweep":{}}`), []byte(`{"Sweep":{"DryRun":true}}`), []byte(`{"Sweep":{"Plan":true}}`), []byte("poison"))

	// STS that repeats what it was sent, as an error might.
	talkative := func(status int, code string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(status)
			_, _ = w.Write(handler.JSON(map[string]string{"Code": code, "Message": "not so: " + string(body) + r.URL.String(), "RequestId": "3D57EAD2"}))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(handler.JSON(map[string]any{"Credentials": map[string]string{"AccessKeyId": secrets["role's key id"], "AccessKeySecret": secrets["role's key secret"],
			"SecurityToken": secrets["role's token"], "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}}))
	}))
	t.Cleanup(sts.Close)
	identity := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(identity, []byte(secrets["identity token"]), 0o600); err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(http.HandlerFunc(awsSTS))
	t.Cleanup(aws.Close)
	federated := append(onLambda(aws.URL), "ALIBABA_CLOUD_ACCESS_KEY_ID=", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=", "ALIBABA_CLOUD_SECURITY_TOKEN=",
		"ALIBABA_CLOUD_ROLE_ARN=acs:ram::1234567890123456:role/tairssl", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN=acs:ram::1234567890123456:oidc-provider/aws")
	with := func(more ...string) awslambda.Handler { return s.over(append(slices.Clone(federated), more...)...) }
	wrongKey := []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + secrets["access key id"], "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + secrets["wrong key's secret"]}
	const whole = "a key by reference"
	functions := map[string]awslambda.Handler{
		whole:                      s.over(),
		"a key that is wrong":      s.over(wrongKey...),
		"a key that is not known":  s.over("ALIBABA_CLOUD_ACCESS_KEY_ID="+secrets["role's token"], "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+secrets["wrong key's secret"]),
		"a role, by AWS":           with("TAIRSSL_STS_ENDPOINT=" + sts.URL),
		"a role, by a file":        with("TAIRSSL_STS_ENDPOINT="+sts.URL, "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+identity),
		"a role without trust":     with("TAIRSSL_STS_ENDPOINT="+talkative(401, "AuthenticationFail.NoPermission"), "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+identity),
		"an STS that is down":      with("TAIRSSL_STS_ENDPOINT="+talkative(503, ""), "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+identity),
		"AWS's STS that refuses":   with("AWS_ENDPOINT_URL_STS="+talkative(403, "AccessDenied"), "TAIRSSL_STS_ENDPOINT="+sts.URL),
		"AWS's STS, another key":   with("AWS_SECRET_ACCESS_KEY="+secrets["wrong key's secret"], "TAIRSSL_STS_ENDPOINT="+sts.URL),
		"a reference to nothing":   s.over("ALIBABA_CLOUD_ACCESS_KEY_SECRET=secretsmanager:tairssl/none#secret"),
		"credentials that panic":   lambda.Over(function.Options{Environ: s.environ, Log: channel{s.ears, "log"}, Transport: s.ears, Credentials: panics}),
		"every setting is wrong":   s.over(wrongSettings()...),
		"an endpoint with a user":  s.over("TAIRSSL_ENDPOINT=https://user:" + secrets["alert token"] + "@example.com"),
		"a name that is misspelt":  s.over("TAIRSSL_SLACK_SECRETS=" + secrets["slack"]),
		"the SDK's own debugging":  s.over("DEBUG=sdk"),
		"an API that is not there": s.over("TAIRSSL_ENDPOINT=http://127.0.0.1:9"),
	}
	kinds := []string{"throttle", "server_error", "server_error_after", "cut_before", "cut_after", "malformed"}
	actions := []string{"ModifyInstanceSSL", "DescribeInstanceSSL", "DescribeInstanceAttribute", "DescribeInstances", "TagResources", "UntagResources", "DescribeActiveOperationTasks"}
	s.printed(t, func() {
		s.fleet(t)
		// A code that is in an answer is confirmed, once rightly and else not.
		invoke := func(f awslambda.Handler, payload []byte) {
			answer := s.invoke(f, payload)
			if code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(answer); code != nil {
				for _, k := range s.knocks(t, "confirm "+code[1], false)[6:] {
					s.invoke(f, k)
				}
			}
			s.work(f)
		}
		// Each way in once in peace, and then all at once.
		for n := range s.knocks(t, "help", false) {
			invoke(functions[whole], s.knocks(t, fmt.Sprintf("update r-chaos%04d", n), false)[n])
		}
		for n, fault := range []tairtest.Fault{{Action: "ModifyInstanceSSL", Kind: "cut_before", Times: 1}, {Action: "DescribeInstanceSSL", Kind: "throttle", Times: 1}} {
			if err := s.Fault(fault); err != nil {
				t.Error(err)
			}
			invoke(functions[whole], fmt.Appendf(nil, `{"InstanceId":"r-chaos%04d","SSLEnabled":"Update"}`, 20+n))
		}
		invoke(functions[whole], []byte(`{"Handed":"c29tZWJvZHkgbWFkZSB0aGlz"}`))
		s.stormy.Store(true)
		var group errgroup.Group
		group.SetLimit(100)
		for _, payload := range payloads {
			for _, name := range slices.Sorted(maps.Keys(functions)) {
				if name != whole && s.chance.IntN(3) > 0 {
					continue // each meets a third of those that go wrong, and there are many payloads
				}
				if s.chance.IntN(40) == 0 {
					if err := s.Fault(tairtest.Fault{Action: actions[s.chance.IntN(len(actions))], Kind: kinds[s.chance.IntN(len(kinds))], Times: s.chance.IntN(3) + 1}); err != nil {
						t.Error(err)
					}
				}
				group.Go(func() error { invoke(functions[name], payload); return nil })
			}
		}
		_ = group.Wait() // no function fails
		panicky(s.ears)
	})
	// It was chaos indeed: every channel was used, and of every outcome one seen.
	heard := func(channel string) string { return fmt.Sprint(s.texts[channel]) }
	log, answers, told, replies := heard("log"), heard("answers"), heard("notifications"), heard("replies")
	for text, want := range map[*string][]string{
		&log:     {`"outcome":"accepted"`, `"outcome":"failed"`, `"outcome":"unknown"`, `"outcome":"unchanged"`, `"outcome":"planned"`, `"denied"`, `"cause":"panic`, `"faults"`, `"actor"`, `"throttled":1`, `"reply"`, `"trigger":"handed/`, `"handed":true`, `"error_type":"unauthorized"`, "SignatureDoesNotMatch", "AWS gave no identity token", "Alibaba did not accept the identity token"},
		&answers: {`"statusCode":401`, `"statusCode":200`, `"statusCode":202`, "confirm ", "batchItemFailures"},
		&told:    {"r-chaos", "Webhook-Signature"},
		&replies: {"Bearer", "confirm "},
	} {
		for _, w := range want {
			if !strings.Contains(*text, w) {
				t.Errorf("in all the chaos there was no %s", w)
			}
		}
	}
	// How far a change has come when its end is told depends on the machine's load.
	if !strings.Contains(replies, "Accepted: ") && !strings.Contains(replies, "Done: ") {
		t.Error("in all the chaos nobody was told how a change ended")
	}
	for _, leak := range s.check() {
		t.Errorf("leaked in %s", leak)
	}
}

// panics is a source of credentials that breaks with one in its hands.
func panics(context.Context) (tair.Credential, error) {
	panic(fmt.Sprintf("broken: %v", tair.Credential{AccessKeyID: secrets["access key id"], AccessKeySecret: secrets["access key secret"], SecurityToken: secrets["security token"]}))
}

// panicky prints the settings as a careless %v would.
func panicky(e *ears) {
	s, _, err := function.ParseSettings([]string{"TAIRSSL_SLACK_SIGNING_SECRETS=" + secrets["slack"], "TAIRSSL_CONFIRM_KEY=" + secrets["confirmation key"],
		"TAIRSSL_TEAMS_SECRETS=" + secrets["teams"], "TAIRSSL_WEBHOOK_SECRETS=" + secrets["standard webhooks"], "TAIRSSL_ALERT_BASIC=someone:" + secrets["alert password"],
		"TAIRSSL_FEISHU_VERIFICATION_TOKEN=" + secrets["feishu token"], "TAIRSSL_FEISHU_APP_SECRET=" + secrets["feishu app secret"],
		"TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T1/B1/" + secrets["slack's URL"]})
	e.hear("log", fmt.Sprintf("%v %+v %#v %v", s, s, s, err))
}

// wrongSettings has a secret in each setting that is refused.
func wrongSettings() (environ []string) {
	for name, secret := range map[string]string{
		"WEBHOOK_SECRETS": "whsec_!" + secrets["alert token"], "ALERT_BASIC": secrets["alert password"], "TEAMS_SECRETS": "%" + secrets["slack"],
		"GITHUB_SECRETS": secrets["github"] + ",,", "SLACK_SIGNING_SECRETS": secrets["slack"] + ",", "ALERT_TOKENS": "," + secrets["alert token"],
		"NOTIFY_URLS": "mail://example.com/" + secrets["slack's URL"], "STS_ENDPOINT": "ftp://user:" + secrets["grafana"] + "@example.com",
	} {
		environ = append(environ, "TAIRSSL_"+name+"="+secret)
	}
	return environ
}

// The test above sees what it looks for: a leak that is put in, in any form,
// into any channel, and by way of the real code.
func TestALeakIsFound(t *testing.T) {
	encode := map[string]func(string) string{
		"plain":         func(s string) string { return s },
		"cut":           func(s string) string { return s[:14] + "…" },
		"in JSON":       func(s string) string { return string(handler.JSON(s)) },
		"in a URL":      url.QueryEscape,
		"in a path":     url.PathEscape,
		"in hex":        func(s string) string { return hex.EncodeToString([]byte(s)) },
		"in base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"in basic auth": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s)) },
		"in a JWT":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(`{"k":"` + s + `"}`)) },
		"in %x":         func(s string) string { return fmt.Sprintf("%X", s) },
	}
	for name, secret := range secrets {
		for form, f := range encode {
			if len(leaks("some text "+f(secret)+" and more", map[string]string{name: secret})) == 0 {
				t.Errorf("the %s is not found %s", name, form)
			}
		}
	}
	direct := []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`)
	careless := func(s *stage, credentials tair.Credentials) awslambda.Handler {
		return lambda.Over(function.Options{Environ: s.environ, Log: channel{s.ears, "log"}, Transport: s.ears, Credentials: credentials})
	}
	for name, test := range map[string]struct {
		channels []string
		leak     func(*stage) awslambda.Handler
	}{
		"a message that quotes the key": {[]string{"log", "answers"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) {
				return tair.Credential{}, handler.Errorf(handler.Forbidden, "the key %s is not allowed", secrets["access key secret"])
			})
		}},
		"a message that quotes it encoded, and is tried again": {[]string{"log", "errors"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) {
				return tair.Credential{}, handler.Errorf(handler.Unavailable, "no answer from ?Secret=%s", url.QueryEscape(secrets["access key secret"]))
			})
		}},
		"a panic with the token": {[]string{"log"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) { panic(secrets["security token"]) })
		}},
		"a line of debugging": {[]string{"stderr", "stdout"}, func(s *stage) awslambda.Handler {
			return careless(s, func(context.Context) (tair.Credential, error) {
				fmt.Fprintln(os.Stderr, secrets["access key secret"])
				fmt.Println(base64.StdEncoding.EncodeToString([]byte(secrets["access key secret"])))
				return tair.Credential{}, handler.Errorf(handler.Forbidden, "no")
			})
		}},
	} {
		s := newStage(t)
		s.printed(t, func() { s.invoke(test.leak(s), direct) })
		found := s.check()
		for _, c := range test.channels {
			if !slices.ContainsFunc(found, func(leak string) bool { return strings.HasPrefix(leak, c+": ") }) {
				t.Errorf("%s: the leak in %s is not found among %q", name, c, found)
			}
		}
	}
	s := newStage(t)
	r, _ := http.NewRequest(http.MethodPost, "https://hooks.slack.com/x", bytes.NewReader([]byte(secrets["feishu app secret"])))
	func() {
		defer func() { _ = recover() }() // one of its answers
		_, _ = s.RoundTrip(r)
	}()
	if len(s.check()) == 0 {
		t.Error("a notice with another's secret is not found")
	}
}
