package localruntime_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// hosts is a proxy between a function and the internet. It records the hosts to which
// the function wants to connect, and refuses every connection.
type hosts struct {
	mu   sync.Mutex
	seen []string
}

func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, r.Host)
	w.WriteHeader(http.StatusBadGateway)
}

// taken returns the hosts since its last call.
func (h *hosts) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seen
	h.seen = nil
	return seen
}

const webhookSecret = "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdA=="

// overHTTP makes the event of a request to a function URL.
func overHTTP(path, body, media string, header http.Header) []byte {
	headers := map[string]string{"content-type": media}
	for name, values := range header {
		headers[name] = values[0]
	}
	return handler.JSON(map[string]any{"version": "2.0", "routeKey": "$default", "rawPath": path, "headers": headers, "body": body,
		"requestContext": map[string]any{"http": map[string]string{"method": "POST", "sourceIp": "192.0.2.1"}}})
}

// naming makes one request of each kind that names a region.
func naming(t *testing.T, region string) map[string][]byte {
	direct := fmt.Sprintf(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","RegionId":%q}`, region)
	standard, err := webhook.SignStandard(webhookSecret, "msg-"+region, time.Now(), []byte(direct))
	if err != nil {
		t.Fatal(err)
	}
	bearer := http.Header{"Authorization": {"Bearer alert-token"}}
	alert := func(labels string) []byte {
		return overHTTP("/alertmanager", `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{`+labels+`}}]}`, "application/json", bearer)
	}
	cloudEvent := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"probe","type":"com.aliyun.tair.certificate.expiring","subject":"r-bp1zxszhcgatnx01","aliyunregionid":%q}`, region)
	chat := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "text": {"status r-bp1zxszhcgatnx01 region=" + region}}.Encode()
	return map[string][]byte{
		"direct":         []byte(direct),
		"sweep":          fmt.Appendf(nil, `{"Sweep":{"Regions":[%q]}}`, region),
		"bus":            fmt.Appendf(nil, `{"version":"0","id":"1","detail-type":"x","source":"com.example","region":"us-east-1","detail":%s}`, direct),
		"sns":            handler.JSON(map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]string{"Message": direct}}}}),
		"alert label":    alert(fmt.Sprintf(`"instance_id":"r-bp1zxszhcgatnx01","region_id":%q`, region)),
		"alert endpoint": alert(fmt.Sprintf(`"instance":"r-bp1zxszhcgatnx01.redis.rds.aliyuncs.com:6379","region_id":%q`, region)),
		"cloudevent":     overHTTP("/cloudevents", cloudEvent, "application/cloudevents+json", bearer),
		"github":         overHTTP("/ssl", direct, "application/json", webhook.SignGitHub("github-secret", []byte(direct))),
		"standard":       overHTTP("/ssl", direct, "application/json", standard),
		"mattermost":     overHTTP("/mattermost", chat, "application/x-www-form-urlencoded", chatops.SignMattermost("matter-token")),
	}
}

// A request for a region that is not configured is refused. This holds for every kind of
// request and every sender. The answer names the setting, and the function connects to no
// host.
func TestNothingIsSentToARegionThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	proxy := &hosts{}
	server := httptest.NewServer(proxy)
	defer server.Close()
	env := environment("HTTPS_PROXY="+server.URL, "HTTP_PROXY="+server.URL, "TAIRSSL_REGION=cn-hangzhou", "TAIRSSL_WINDOW=any", "TAIRSSL_LOG_LEVEL=error",
		"TAIRSSL_WEBHOOK_SECRETS="+webhookSecret, "TAIRSSL_GITHUB_SECRETS=github-secret", "TAIRSSL_ALERT_TOKENS=alert-token",
		"TAIRSSL_MATTERMOST_TOKENS=matter-token", "TAIRSSL_CHAT_ALLOW=mattermost:T1/U1 * *",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=an-access-key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=a-secret")
	p, err := localruntime.Start(t.Context(), localruntime.Lambda, runtimetest.Function(t, localruntime.Lambda), localruntime.Options{Env: env, Timeout: deadline})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if answer, err := p.Invoke(t.Context(), []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`)); err != nil || !answer.Failed {
		t.Fatalf("with a proxy that refuses all connections the answer is %s, %v; want a failure", answer.Payload, err)
	}
	for _, host := range proxy.taken() {
		if host != "r-kvstore.aliyuncs.com:443" {
			t.Errorf("for the configured region the function connected to %s", host)
		}
	}
	sent := 0
	for _, region := range []string{"oss-cn-hangzhou", "cn-hangzhou.evil", "cn-hangzhou-vpc", "CN-HANGZHOU", "cn-shanghai", "cn-hangzhou@evil.example"} {
		for kind, payload := range naming(t, region) {
			sent++
			answer, err := p.Invoke(t.Context(), payload)
			if err != nil {
				t.Fatal(err)
			}
			text := string(answer.Payload) + answer.ErrorMessage
			var response struct{ Body string }
			if json.Unmarshal(answer.Payload, &response) == nil {
				text += response.Body
			}
			if kind == "mattermost" && region == "CN-HANGZHOU" { // phones write capitals: the person means the configured region
				for _, host := range proxy.taken() {
					if host != "r-kvstore.aliyuncs.com:443" {
						t.Errorf("%s naming %s made the function connect to %s", kind, region, host)
					}
				}
				continue
			}
			// A text that cannot be a region gets another answer.
			if !strings.Contains(text, "TAIRSSL_REGION") && !strings.Contains(text, "is not a region. Write the region like this: region=cn-hangzhou") {
				t.Errorf("the answer to %s naming %s is %s, which does not name the setting", kind, region, text)
			}
			if seen := proxy.taken(); seen != nil {
				t.Errorf("%s naming %s made the function connect to %v", kind, region, seen)
			}
		}
	}
	if sent != 60 {
		t.Errorf("%d requests were sent, want 60", sent)
	}
}
