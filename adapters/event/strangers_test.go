package event_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tairssl/adapters/event"
)

// strangers has events of Alibaba Cloud and of monitors that are not accepted, each with
// a part of the answer.
var strangers = map[string]struct{ payload, says string }{
	"an OSS event": {`{"events":[{"eventName":"ObjectCreated:PutObject","eventSource":"acs:oss","eventTime":"2026-11-24T06:51:08.000Z","eventVersion":"1.0",
		"oss":{"bucket":{"arn":"acs:oss:cn-hangzhou:1234567890:logs","name":"logs"},"object":{"key":"a/b.json","size":7},"ossSchemaVersion":"1.0","ruleId":"x"},"region":"cn-hangzhou"}]}`, "an OSS event"},
	"a CDN event": {`{"events":[{"eventName":"LogFileCreated","eventVersion":"1.0.0","eventSource":"cdn","region":"cn-hangzhou","eventTime":"2026-11-24T06:51:08+08:00","traceId":"t",
		"userIdentity":{"aliUid":"1"},"resource":{"domain":"www.example.com"},"eventParameter":{"domain":"www.example.com"}}]}`, "a CDN event"},
	"a log trigger": {`{"parameter":{},"source":{"endpoint":"http://cn-hangzhou-intranet.log.aliyuncs.com","projectName":"p","logstoreName":"l","shardId":0,"beginCursor":"MTUy","endCursor":"MTUy"},
		"jobName":"1f7043ced683de1a4e3d8d70b5a412843d81","taskId":"c2691505-38da-4d1b-998a-f1d4bb8c9994","cursorTime":1529486425}`, "Simple Log Service"},
	"a threshold alarm": {`{"alertName":"memory","alertState":"ALERT","curValue":"97.5","dimensions":"{instanceId=r-bp1zxszhcgatnx01}","expression":"$Average>90","instanceName":"orders","metricName":"MemoryUsage",
		"metricProject":"acs_kvstore","namespace":"acs_kvstore","preTriggerLevel":"null","ruleId":"r","signature":"s","timestamp":"1795503068000","triggerLevel":"CRITICAL","userId":"1234567890"}`, "a threshold alarm of CloudMonitor"},
	"a system event of ECS":  {`{"product":"ECS","resourceId":"acs:ecs:cn-hangzhou:1234567890:instance/i-bp1","level":"CRITICAL","instanceName":"web","name":"Instance:SystemMaintenance.Reboot:Scheduled","content":{},"status":"Scheduled"}`, "no instance of kvstore"},
	"an event of ECS":        {`{"specversion":"1.0","id":"1","source":"acs.ecs","type":"ecs:Instance:StateChange","subject":"acs:ecs:cn-hangzhou:1234567890:instance/i-bp1","data":{"resourceId":"i-bp1","state":"Stopped"}}`, "not accepted"},
	"an audit event":         {`{"specversion":"1.0","id":"2","source":"acs.actiontrail","type":"actiontrail:ActionTrail:ApiCall","data":{"eventName":"ModifyInstanceSSL","requestParameters":{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}}}`, "not accepted"},
	"a Tablestore batch":     {`{"Version":"Sync-v1","Records":[{"Type":"PutRow","Info":{"Timestamp":1506416585740836},"PrimaryKey":[]}]}`, "an unknown source"},
	"an API of API Gateway":  {`{"path":"/ssl","httpMethod":"POST","headers":{},"queryParameters":{},"pathParameters":{},"body":"{}","isBase64Encoded":false}`, "an HTTP request"},
	"an HTTP event, carried": {`{"triggerTime":"t","triggerName":"n","payload":{"version":"v1","rawPath":"/ssl","body":"{}","requestContext":{"http":{"method":"POST"}}}}`, "an HTTP request"},
	"Uptime Kuma":            {`{"heartbeat":{"status":0},"monitor":{"name":"tair"},"msg":"certificate expires"}`, "Uptime Kuma"},
	"Grafana 7":              {`{"dashboardId":1,"evalMatches":[{"value":1,"metric":"x","tags":{}}],"ruleId":1,"state":"alerting","title":"x"}`, "Grafana before version 8"},
	"Datadog":                {`{"id":"1","title":"[Triggered] certificate","body":"expires","event_type":"metric_alert_monitor","alert_type":"error"}`, "the fields id, title"},
	"a subscription":         {`{"Type":"SubscriptionConfirmation","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:1:t","Token":"x","SubscribeURL":"https://sns.us-east-1.amazonaws.com/"}`, "SubscribeURL"},
	"a batch that failed":    {`{"requestContext":{"condition":"RetryAttemptsExhausted"},"responseContext":{},"KinesisBatchInfo":{"shardId":"s"}}`, "send the records again"},
	"text":                   {`certificate expires`, "not JSON"},
	"a number":               {`17`, "not JSON"},
	"a list of numbers":      {`[1,2]`, "not a JSON object"},
	"a list of nothing":      {`[]`, "0 requests"},
	"nothing":                {``, "empty"},
	"no fields":              {`{}`, "no fields"},
}

func TestTheAnswerNamesTheKindOfAnUnacceptedEvent(t *testing.T) {
	for name, s := range strangers {
		asked := (&event.Decoder{}).Decode([]byte(s.payload))
		if !asked.Unread() {
			t.Errorf("%s is accepted, and asks for %s", name, asks(&event.Decoder{}, []byte(s.payload)))
		} else if err := asked.Requests[0].Validate(); !strings.Contains(err.Error(), s.says) {
			t.Errorf("%s is answered %v, want %q", name, err, s.says)
		}
	}
}

// corpus lists the files of public samples of almost every event that Lambda knows.
func corpus(t *testing.T) []string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", "*.json"))
	if len(files) < 80 {
		t.Fatalf("the module has only %d samples", len(files))
	}
	return files
}

// The public samples contain no request. So every one of them ends with a fault.
func TestNoPublicSampleAsksForAnything(t *testing.T) {
	for _, file := range corpus(t) {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		asked := (&event.Decoder{}).Decode(payload)
		if !asked.Unread() {
			t.Errorf("%s is accepted, and asks for %s", filepath.Base(file), asks(&event.Decoder{}, payload))
			continue
		}
		for _, r := range asked.Requests {
			if message := r.Validate().Error(); len(message) < 20 || len(message) > 1000 {
				t.Errorf("%s is answered %q, want 20 to 1000 bytes", filepath.Base(file), message)
			}
		}
		if again := (&event.Decoder{}).Decode([]byte(strings.ReplaceAll(carriers["timer"], "%s", quoted(string(payload))))); !again.Unread() {
			t.Errorf("%s in a timer is accepted", filepath.Base(file))
		}
	}
}
