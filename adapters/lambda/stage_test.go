package lambda_test

import (
	"context"
	"encoding/base64"
	"fmt"
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
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/lambda"
	"tairssl/adapters/tair/tairtest"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// stage is the emulated world around the function.
type stage struct {
	*ears
	*tairtest.Emulator
	url     string
	environ []string // of a function with all routes
	queue   queue
}

// queue holds the work that functions hand over.
type queue struct {
	mu       sync.Mutex
	payloads [][]byte
}

// take is Lambda's Invoke. In a storm it refuses some of the work.
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

// work lets a function do the work that was handed over. In a storm it spoils some of the
// work.
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
	s.Emulator, s.url = tairtest.Start(t, tairtest.Options{Lag: -1, ChangeTime: -1, Keys: map[string]string{
		secrets["access key id"]: secrets["access key secret"], secrets["role's key id"]: secrets["role's key secret"]}})
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

// over returns a function on this stage. If a setting has two values, the later value
// counts.
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

// invoke sends a payload and records the answer.
func (s *stage) invoke(f awslambda.Handler, payload []byte) string {
	// No write starts with less than 5 s left, and handed work needs time for its answer.
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	answer, err := f.Invoke(ctx, payload)
	shown := string(answer)
	// A confirmation code may appear in the answer and nowhere else.
	for _, found := range regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindAllStringSubmatch(shown, -1) {
		s.present("confirmation code", found[1])
	}
	s.hear("answers", shown)
	if err != nil {
		s.hear("errors", err.Error())
	}
	return shown
}

// anyOne is one of many instances. Requests for one instance wait for each other.
func (e *ears) anyOne() string { return fmt.Sprintf("r-chaos%04d", e.chance.IntN(60)) }

// fleet puts the instances of the stage into the emulator.
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

// knock is an HTTP request as a function URL sends it.
func knock(path string, header http.Header, body string) []byte {
	headers := map[string]string{"content-type": "application/json"}
	for name := range header {
		headers[strings.ToLower(name)] = header.Get(name)
	}
	return handler.JSON(map[string]any{"version": "2.0", "rawPath": path, "headers": headers, "body": body,
		"requestContext": map[string]any{"http": map[string]string{"method": "POST", "sourceIp": "192.0.2.1"}}})
}

// knocks are requests to every route. Their proofs are right. In forged requests, each
// proof has one wrong character at its end.
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
					s.present("the proof at "+path, value)
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
