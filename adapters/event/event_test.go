package event_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/event"
	"tairssl/handler"
)

const id = "r-bp1zxszhcgatnx01"

// asks says in words what a payload asks for.
func asks(d *event.Decoder, payload []byte) string {
	asked := d.Decode(payload)
	if asked.Sweep != nil {
		return asked.Trigger
	}
	var parts []string
	for _, r := range asked.Requests {
		switch {
		case r.Validate() != nil:
			parts = append(parts, "invalid")
		case r.Settled():
			parts = append(parts, "nothing")
		default:
			s := fmt.Sprintf("%s %s", r.SSLEnabled, r.InstanceID)
			if r.OrID != "" {
				s += " or " + r.OrID
			}
			if r.RegionID != "" {
				s += "@" + r.RegionID
			}
			if r.Automatic {
				s += " automatic"
			}
			parts = append(parts, s)
		}
	}
	return asked.Trigger + ": " + strings.Join(parts, ", ")
}

// samples says what each sample asks for, and the way to it.
var samples = map[string]string{
	"direct-update.json": "direct: Update " + id + "@cn-hangzhou", "direct-enable.json": "direct: Enable r-bp1zxszhcgatnx03@cn-hangzhou",
	"direct-disable.json":                 "direct: Disable r-bp1zxszhcgatnx02@cn-hangzhou",
	"direct-batch.json":                   "direct: Update r-bp1zxszhcgatnx04@cn-hangzhou, Update r-bp1zxszhcgatnx06@cn-hangzhou, Update r-bp1zxszhcgatnx01",
	"eventbridge-acm-approaching.json":    "acm: Update " + id + " automatic",
	"eventbridge-acm-expired.json":        "acm: Update r-bp1zxszhcgatnx04 automatic",
	"eventbridge-config.json":             "config: Update " + id + " automatic",
	"eventbridge-custom.json":             "eventbridge/direct: Update " + id + "@cn-hangzhou",
	"eventbridge-scheduler.json":          "eventbridge/direct: Update " + id + "@cn-hangzhou automatic",
	"cloudwatch-alarm.json":               "cloudwatch-alarm: Update " + id + " automatic",
	"stepfunctions.json":                  "direct: Update " + id + "@cn-hangzhou automatic",
	"sweep.json":                          "sweep",
	"timer-sweep.json":                    "timer/sweep",
	"timer.json":                          "timer/direct: Update " + id + "@cn-hangzhou automatic",
	"cloudevent-expiring.json":            "cloudevent: Update " + id + "@cn-hangzhou automatic",
	"cloudevent-scheduled-operation.json": "cloudmonitor: Update " + id + "@cn-hangzhou automatic",
	"cloudevent-slb-certificate.json":     "slb: Update " + id + " automatic",
	"cloudevent-mns-queue.json":           "mns-queue/direct: Update " + id + "@cn-hangzhou",
	"stream-objects.json":                 "stream/rocketmq/direct,stream/cloudevent: Update " + id + "@cn-hangzhou, Update r-bp1zxszhcgatnx02@cn-hangzhou automatic",
	"stream-strings.json":                 "stream/kafka/cloudevent,stream/kafka/direct: Update " + id + "@cn-hangzhou automatic, Update r-bp1zxszhcgatnx02@cn-hangzhou",
	"mns-topic.json":                      "mns-topic/direct: Update " + id + "@cn-hangzhou",
	"cloudmonitor.json":                   "cloudmonitor: Update " + id + "@cn-hangzhou automatic",
	"alertmanager.json":                   "alertmanager: Update " + id + " automatic, Update r-bp1zxszhcgatnx02@cn-hangzhou automatic",
	"grafana.json":                        "grafana: Update " + id + " automatic, Update r-bp1zxszhcgatnx02@cn-hangzhou automatic",
	"sqs.json":                            "sqs/direct,sqs/sns/direct: Update " + id + "@cn-hangzhou, Update r-bp1zxszhcgatnx04@cn-hangzhou, invalid",
	"sqs-nested.json":                     "sqs/sns/eventbridge/alertmanager: Update " + id + " automatic",
	"sqs-destination.json":                "sqs/destination/eventbridge/direct: Update " + id + "@cn-hangzhou",
	"sns.json":                            "sns/direct: Update " + id + "@cn-hangzhou",
	"kinesis.json":                        "kinesis/direct,kinesis/cloudevent: Update " + id + "@cn-hangzhou, invalid, Update r-bp1zxszhcgatnx04 automatic",
	"kafka.json":                          "kafka/direct,kafka/cloudevent: Update " + id + "@cn-hangzhou, Update r-bp1zxszhcgatnx04 automatic",
	"activemq.json":                       "activemq/direct: Update " + id + "@cn-hangzhou",
	"rabbitmq.json":                       "rabbitmq/direct: Update " + id + "@cn-hangzhou",
	"pipe-sqs.json":                       "pipe/sqs/direct: Update " + id + "@cn-hangzhou, invalid",
	"pipe-kinesis.json":                   "pipe/kinesis/direct: Update " + id + "@cn-hangzhou",
	"pipe-kafka.json":                     "pipe/kafka/direct: Update " + id + "@cn-hangzhou",
	"eventbridge-alerts.json":             "eventbridge/alertmanager: Update " + id + " automatic",
	"cloudevent-base64.json":              "cloudevent/direct: Update " + id + "@cn-hangzhou",
	"mns-topic-stream.json":               "mns-topic/direct: Update " + id + "@cn-hangzhou",
	"destination-fc.json":                 "mns-topic/destination/timer/direct: Update " + id + "@cn-hangzhou",
	"alertmanager-arms.json":              "alertmanager: Update " + id + "@cn-hangzhou automatic",
	"alertmanager-exporter.json":          "alertmanager: Update " + id + " automatic, Update r-bp1zxszhcgatnx04 automatic, Update r-bp1zxszhcgatnx02 automatic, nothing",
	"grafana-template.json":               "alertmanager: Update " + id + " automatic",
}

func TestEverySample(t *testing.T) {
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if isHTTP(payload) { // packages lambda and fc open it
			continue
		}
		if got := asks(&event.Decoder{}, payload); got != samples[name] {
			t.Errorf("%s is read as\n%s, want\n%s", name, got, samples[name])
		}
	}
}

func isHTTP(payload []byte) bool {
	return bytes.Contains(payload, []byte(`"requestContext"`)) && !bytes.Contains(payload, []byte("requestPayload"))
}

// The README's table has a row for every trigger and carrier of the code, and a
// sample in it, whose way is in the log as the row says.
func TestREADMEsTableOfTriggersIsTheCodes(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "\n| trigger | on | in the log | what it asks for | sample |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var named, linked []string
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) != 7 || strings.HasPrefix(cells[1], "-") {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[3], -1) {
			named = append(named, m[1])
		}
		for _, m := range regexp.MustCompile(`\(\.\./\.\./events/([a-z0-9-]+\.json)\)`).FindAllStringSubmatch(row, -1) {
			linked = append(linked, m[1])
			payload, err := os.ReadFile("../../events/" + m[1])
			if err != nil {
				t.Fatal(err)
			}
			ways := strings.Split(strings.ReplaceAll((&event.Decoder{}).Decode(payload).Trigger, ",", "/"), "/")
			if name := regexp.MustCompile("`([a-z-]+)`").FindStringSubmatch(cells[3]); !isHTTP(payload) && (name == nil || !slices.Contains(ways, name[1])) {
				t.Errorf("the row of %s says %s; in the log stands %v", m[1], cells[3], ways)
			}
		}
	}
	slices.Sort(named)
	if named = slices.Compact(named); !slices.Equal(named, event.Names()) {
		t.Errorf("the README has rows for %v, the code for %v", named, event.Names())
	}
	files, _ := filepath.Glob("../../events/*.json")
	for _, file := range files {
		if !slices.Contains(linked, filepath.Base(file)) && !strings.Contains(string(readme), "(../../events/"+filepath.Base(file)+")") {
			t.Errorf("no row of the README's triggers names %s", filepath.Base(file))
		}
	}
	if len(files) == 0 || len(linked) < 30 {
		t.Fatalf("%d samples, %d of them in the table", len(files), len(linked))
	}
}

func certMap(t *testing.T, text string) event.CertMap {
	t.Helper()
	var m event.CertMap
	if err := m.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return m
}

// What an event asks for is bounded in time and allocations; each row of the
// numbers is some ten times what was measured.
func TestDecodingIsCheap(t *testing.T) {
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	d := &event.Decoder{}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(20, func() { d.Decode(payload) }); n > 300 {
			t.Errorf("%s costs %v allocations, more than 300", file, n)
		}
	}
	batch := func(n int, item string) []byte { return []byte("[" + strings.Repeat(item+",", n-1) + item + "]") }
	for name, item := range map[string]string{
		"direct request": `{"InstanceId":"` + id + `","SSLEnabled":"Update","RegionId":"cn-hangzhou"}`,
		"event":          `{"specversion":"1.0","id":"1","source":"acs.kvstore","type":"com.aliyun.tair.certificate.expiring","subject":"` + id + `"}`,
		"JSON text":      `"{\"InstanceId\":\"` + id + `\",\"SSLEnabled\":\"Update\"}"`,
	} {
		one, many := batch(1, item), batch(51, item)
		each := (testing.AllocsPerRun(20, func() { d.Decode(many) }) - testing.AllocsPerRun(20, func() { d.Decode(one) })) / 50
		if each > 80 || each <= 0 {
			t.Errorf("each %s of a batch costs %v allocations, more than 80", name, each)
		}
	}
}

func TestCertificateMap(t *testing.T) {
	d := &event.Decoder{Certificates: certMap(t, "cache.example.com=r-aaaa1111@cn-shanghai, *.wild.example.com=r-bbbb2222,arn:aws:acm:us-east-1:1:certificate/x=r-cccc3333,cache.example.com=r-dddd4444")}
	acm := func(name, arn string) []byte {
		return []byte(fmt.Sprintf(`{"detail-type":"ACM Certificate Expired","source":"aws.acm","resources":[%q],"detail":{"CommonName":%q}}`, arn, name))
	}
	for _, test := range []struct{ name, arn, want string }{
		{"cache.example.com", "", "acm: Update r-aaaa1111@cn-shanghai automatic, Update r-dddd4444 automatic"},
		{"CACHE.example.com", "", "acm: Update r-aaaa1111@cn-shanghai automatic, Update r-dddd4444 automatic"},
		{"a.wild.example.com", "", "acm: Update r-bbbb2222 automatic"},
		{"*.wild.example.com", "", "acm: Update r-bbbb2222 automatic"},
		{"a.b.wild.example.com", "", "acm: invalid"},
		{"other", "arn:aws:acm:us-east-1:1:certificate/x", "acm: Update r-cccc3333 automatic"},
		{"other", "arn:aws:acm:us-east-1:1:certificate/X", "acm: invalid"},
		{"evil-r-aaaa1111.redis.rds.aliyuncs.com.example.com", "", "acm: invalid"},
	} {
		if got := asks(d, acm(test.name, test.arn)); got != test.want {
			t.Errorf("the certificate %s %s asks for %s, want %s", test.name, test.arn, got, test.want)
		}
	}
	for _, bad := range []string{"x", "=r-aaaa1111", "x=r/1", "x=r-aaaa1111@Nowhere/", "a=r-aaaa1111,b"} {
		var m event.CertMap
		if m.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is taken for %v", bad, m)
		}
	}
}

func TestRecognisedButBadNeverFallsThrough(t *testing.T) {
	const wish = `"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Disable"`
	for name, payload := range map[string]string{
		"cloudevent of another version":   `{"specversion":"0.3",` + wish + `}`,
		"cloudevent without id":           `{"specversion":"1.0","type":"x","source":"y","data":{` + wish + `}}`,
		"cloudevent, bad base64":          `{"specversion":"1.0","id":"1","type":"x","source":"y","data_base64":"%%%"}`,
		"alerts of another version":       `{"version":"9","status":"firing","alerts":[],` + wish + `}`,
		"alerts that are none":            `{"version":"4","status":"firing","alerts":{},` + wish + `}`,
		"a timer with nothing":            `{"triggerTime":"x","triggerName":"y",` + wish + `}`,
		"an event with a strange detail":  `{"detail-type":"x","source":"com.example","detail":7,` + wish + `}`,
		"an alarm that names nothing":     `{"source":"aws.cloudwatch","alarmArn":"x","alarmData":{"state":{"value":"ALARM"}},` + wish + `}`,
		"an alert that names nothing":     `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance":"web:80"}}]}`,
		"a certificate nobody knows":      `{"detail-type":"ACM Certificate Expired","source":"aws.acm","resources":[],"detail":{"CommonName":"a.example.com"}}`,
		"a schedule without input":        `{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`,
		"a rule without input":            `{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`,
		"an operation on something else":  `{"product":"ecs","resourceId":"acs:ecs:cn-hangzhou:1:instance/i-1","name":"Instance[SystemMaintenance.ScheduledOperation:Scheduled]"}`,
		"nested without end":              strings.Repeat(`{"triggerTime":"x","triggerName":"y","payload":`, 9) + `{` + wish + `}` + strings.Repeat("}", 9),
		"a request with a field too many": `{` + wish + `,"Colour":"red"}`,
		"a sweep of something else":       `{"Sweep":{"Colour":1}}`,
		"a sweep and a request":           `{"Sweep":{},` + wish + `}`,
		"nothing":                         ``,
		"no JSON":                         `hello`,
	} {
		asked := (&event.Decoder{}).Decode([]byte(payload))
		if len(asked.Requests) != 1 || asked.Requests[0].Validate() == nil {
			t.Errorf("%s asks for %+v, want a fault", name, asked.Requests)
		}
	}
}

func TestWhatAsksForNothing(t *testing.T) {
	for name, payload := range map[string]string{
		"a resolved alert":         `{"version":"4","status":"resolved","alerts":[{"status":"resolved","labels":{"instance":"` + id + `.redis.rds.aliyuncs.com:6379"}}]}`,
		"a compliant resource":     `{"detail-type":"Config Rules Compliance Change","source":"aws.config","detail":{"newEvaluationResult":{"complianceType":"COMPLIANT"}}}`,
		"an alarm that is over":    `{"source":"aws.cloudwatch","alarmArn":"x","alarmData":{"state":{"value":"OK"}}}`,
		"another operation":        `{"product":"kvstore","resourceId":"acs:kvstore:cn-hangzhou:1:instance/` + id + `","name":"Instance[Failover]"}`,
		"another event of kvstore": `{"specversion":"1.0","id":"1","source":"acs.kvstore","type":"kvstore:ActionTrail:AliyunServiceEvent","subject":"` + id + `","data":{"InstanceId":"` + id + `","SSLEnabled":"Disable"}}`,
		"another event of ACM":     `{"detail-type":"ACM Certificate Available","source":"aws.acm","detail":{"CommonName":"` + id + `.redis.rds.aliyuncs.com"}}`,
	} {
		if got := asks(&event.Decoder{}, []byte(payload)); !strings.HasSuffix(got, ": nothing") {
			t.Errorf("%s is read as %s", name, got)
		}
	}
}

func TestAlertsNameInstancesInManyWays(t *testing.T) {
	for label, want := range map[string]string{
		`"instance":"` + id + `.redis.rds.aliyuncs.com:6379"`:             id,
		`"instance":"https://` + id + `.redis.rds.aliyuncs.com/x"`:        id,
		`"instance":"` + id + `.redis.singapore.rds.aliyuncs.com"`:        id,
		`"instance":"` + id + `pd.redis.rds.aliyuncs.com:6379"`:           id + "pd or " + id,
		`"instance":"` + id + `.tairpena.rds.aliyuncs.com:6379"`:          id,
		`"instance_id":"i-0abc","instance":"` + id + `","x":1`:            id,
		`"instance":"` + id + `"`:                                         id,
		`"instance_id":"` + id + `","instance":"10.0.0.1:6379"`:           id,
		`"instance":"tt-abcd1234.redis.rds.aliyuncs.com:6379"`:            "tt-abcd1234",
		`"instance":"` + strings.ToUpper(id) + `.redis.rds.aliyuncs.com"`: id,
	} {
		got := strings.Replace(asks(&event.Decoder{}, []byte(`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{`+label+`}}]}`)), "@ap-southeast-1", "", 1)
		if got != "alertmanager: Update "+want+" automatic" {
			t.Errorf("%s is read as %s", label, got)
		}
	}
}

// The region of an endpoint goes with it, and what a caller names counts for more,
// whatever regions are configured: the handler answers that.
func TestEventsNameRegions(t *testing.T) {
	alert := func(labels string) string {
		return `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{` + labels + `}}]}`
	}
	expiring := func(subject, region string) string {
		return `{"specversion":"1.0","id":"1","source":"x","type":"` + event.Expiring + `","subject":"` + subject + `","aliyunregionid":"` + region + `"}`
	}
	acm := func(name string) string {
		return `{"detail-type":"ACM Certificate Expired","source":"aws.acm","detail":{"CommonName":"` + name + `"}}`
	}
	const old, pd = "0f8a1b2c3d4e5f60", "r-bp1zxszhcgatnxpd"
	for payload, want := range map[string]string{
		alert(`"instance":"` + id + `.redis.zhangbei.rds.aliyuncs.com:6379"`):                             id + "@cn-zhangjiakou",
		alert(`"instance":"` + id + `.redis.singapore.rds.aliyuncs.com:6379"`):                            id + "@ap-southeast-1",
		alert(`"instance":"` + id + `.redis.atlantis.rds.aliyuncs.com:6379"`):                             id,
		alert(`"instance":"` + id + `.redis.cn-beijing.rds.aliyuncs.com:6379","region_id":"cn-shanghai"`): id + "@cn-shanghai",
		alert(`"instance_id":"` + old + `","region_id":"cn-beijing"`):                                     old + "@cn-beijing",
		alert(`"instance_id":"` + id + `pd.redis.cn-beijing.rds.aliyuncs.com:6379"`):                      id + "pd or " + id + "@cn-beijing",
		alert(`"instance":"` + old + `.redis.rds.aliyuncs.com:6379"`):                                     old,
		alert(`"instance":"` + pd + `.redis.rds.aliyuncs.com:6379"`):                                      pd + " or r-bp1zxszhcgatnx",
		alert(`"instance":"` + pd + `:6379"`):                                                             pd,
		expiring(pd, "cn-qingdao"):                                                                        pd + "@cn-qingdao",
		expiring(id+"pd.redis.zhangbei.rds.aliyuncs.com", ""):                                             id + "pd or " + id + "@cn-zhangjiakou",
		expiring(id+".redis.zhangbei.rds.aliyuncs.com", "cn-qingdao"):                                     id + "@cn-qingdao",
		expiring(old, ""): old,
		acm(id + "pd.redis.zhangbei.rds.aliyuncs.com"): id + "pd or " + id + "@cn-zhangjiakou",
		acm(old + ".redis.rds.aliyuncs.com"):           old,
	} {
		_, got, _ := strings.Cut(asks(&event.Decoder{}, []byte(payload)), ": ")
		// The region stands behind the ids.
		before, after, found := strings.Cut(got, "@")
		if region, _, _ := strings.Cut(after, " "); found {
			got = before + "@" + region
		}
		if got = strings.TrimSuffix(strings.TrimPrefix(got, "Update "), " automatic"); got != want {
			t.Errorf("%s asks for %s, want %s", payload, got, want)
		}
	}
}

// Where a text may be about anything, a word is no old id.
func TestAWordIsNoInstance(t *testing.T) {
	for _, payload := range []string{
		`{"AlarmName":"x","NewStateValue":"ALARM","AlarmDescription":"thedatabaseisdown"}`,
		`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance":"averylonghostname123"}}]}`,
		`{"detail-type":"ACM Certificate Expired","source":"aws.acm","detail":{"CommonName":"averylonghostname123"}}`,
		`{"detail-type":"ACM Certificate Expired","source":"aws.acm","detail":{"CommonName":"` + id + `"}}`,
		`{"specversion":"1.0","id":"1","source":"acs.slb","type":"slb:CloudMonitor:CertKeyExpired15","subject":"acs:slb:cn-hangzhou:1:certificate/1234567890123456789"}`,
	} {
		if got := asks(&event.Decoder{}, []byte(payload)); !strings.HasSuffix(got, ": invalid") {
			t.Errorf("%s is read as %s", payload, got)
		}
	}
}

// An alert's instance is looked up in the certificate map by its exact host first.
func TestAnAlertIsLookedUpInTheCertificateMap(t *testing.T) {
	d := &event.Decoder{Certificates: certMap(t, "Cache.example.com=r-aaaa1111@cn-shanghai,"+id+".redis.rds.aliyuncs.com=r-bbbb2222,fd00::1=r-cccc3333,кэш.example.com=r-dddd4444,*.example.com=r-eeee5555")}
	for instance, want := range map[string]string{
		"cache.example.com:6379": "Update r-aaaa1111@cn-shanghai automatic", "rediss://:pw@CACHE.example.com:6379/0": "Update r-aaaa1111@cn-shanghai automatic",
		id + ".redis.rds.aliyuncs.com:6379": "Update r-bbbb2222 automatic", "[fd00::1]:6379": "Update r-cccc3333 automatic",
		"кэш.example.com:6379": "Update r-dddd4444 automatic", "other.example.com:6379": "invalid", "": "invalid",
	} {
		got := asks(d, []byte(`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance":"`+instance+`"}}]}`))
		if got != "alertmanager: "+want {
			t.Errorf("an alert of %s is read as %s, want %s", instance, got, want)
		}
	}
}

func TestPayloadsAsVendorsSendThem(t *testing.T) {
	wish := `{\"InstanceId\":\"` + id + `\",\"SSLEnabled\":\"Update\"}`
	encoded := "eyJJbnN0YW5jZUlkIjoici1icDF6eHN6aGNnYXRueDAxIiwiU1NMRW5hYmxlZCI6IlVwZGF0ZSJ9"
	mapped := &event.Decoder{Certificates: certMap(t, "*.example.com=r-mapped01")}
	for name, test := range map[string]struct{ payload, want string }{
		"a record of Kafka":        {`[{"specversion":"1.0","id":"1","source":"acs:alikafka","type":"alikafka:Topic:Message","data":{"topic":"t","value":"` + wish + `"}}]`, "stream/kafka/direct: Update " + id},
		"a message of RabbitMQ":    {`[{"specversion":"1.0","id":"1","source":"acs:amqp","type":"amqp:Queue:SendMessage","data":{"body":"` + wish + `"}}]`, "stream/rabbitmq/direct: Update " + id},
		"base64 in MNS":            {`{"TopicName":"t","MessageId":"1","Message":"` + encoded + `"}`, "mns-topic/direct: Update " + id},
		"an alarm by SNS":          {`{"AlarmName":"x","NewStateValue":"ALARM","AlarmDescription":"` + id + `"}`, "cloudwatch-alarm: Update " + id + " automatic"},
		"Config of a bucket":       {`{"detail-type":"Config Rules Compliance Change","source":"aws.config","detail":{"resourceType":"AWS::S3::Bucket","resourceId":"static.example.com","newEvaluationResult":{"complianceType":"NON_COMPLIANT"}}}`, "config: nothing"},
		"SLB, content as text":     {`{"specversion":"1.0","id":"1","source":"acs.slb","type":"slb:CloudMonitor:CertKeyExpired7","data":{"content":"{\"CommonName\":\"a.example.com\"}"}}`, "slb: Update r-mapped01 automatic"},
		"an endpoint as subject":   {`{"specversion":"1.0","id":"1","source":"x","type":"` + event.Expiring + `","subject":"` + id + `.redis.rds.aliyuncs.com:6379"}`, "cloudevent: Update " + id + " automatic"},
		"an alert of a web server": {`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance":"www.example.com:443"}}]}`, "alertmanager: invalid"},
		"one odd event of two":     {`[{"odd":1},{"specversion":"1.0","id":"1","source":"x","type":"` + event.Expiring + `","subject":"` + id + `"}]`, "stream/unknown,stream/cloudevent: invalid, Update " + id + " automatic"},
	} {
		if got := asks(mapped, []byte(test.payload)); got != test.want {
			t.Errorf("%s is read as\n%s, want\n%s", name, got, test.want)
		}
	}
}

func TestManyEventsAtOnce(t *testing.T) {
	alert := func(status, id string) string {
		return `{"status":"` + status + `","labels":{"instance_id":"` + id + `"}}`
	}
	alerts := strings.Repeat(alert("resolved", "r-resolved1")+",", 200) + alert("firing", id)
	if got := asks(&event.Decoder{}, []byte(`{"version":"4","status":"firing","alerts":[`+alerts+`]}`)); got != "alertmanager: Update "+id+" automatic" {
		t.Errorf("200 resolved alerts and a firing one are read as %s", got)
	}
	ce := `{"specversion":"1.0","id":"1","source":"x","type":"` + event.Expiring + `","subject":"` + id + `"}`
	if n := len((&event.Decoder{}).Decode([]byte("[" + strings.Repeat(ce+",", 149) + ce + "]")).Requests); n != 150 {
		t.Errorf("150 events ask for %d changes", n)
	}
}

// What is wrong with a sweep is said to its end, however much it is.
func TestEveryFaultOfASweepIsNamed(t *testing.T) {
	asked := (&event.Decoder{}).Decode([]byte(`{"Sweep":{"Regions":["X","Y"],"RenewBefore":"9999h","MaxTargets":-1}}`))
	if len(asked.Requests) != 1 {
		t.Fatalf("it asks for %+v, want the fault alone", asked)
	}
	err := asked.Requests[0].Validate()
	if err == nil {
		t.Fatal("it has no fault")
	}
	for _, want := range []string{`"X"`, `"Y"`, "RenewBefore", "MaxTargets"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the fault names no %s: %v", want, err)
		}
	}
}

// What is nested without end, or full of faults, costs little and says little.
func TestHostilePayloadsStaySmall(t *testing.T) {
	nested := strings.Repeat(`["x",`, 9000) + `["x"]` + strings.Repeat("]", 9000)
	content := strings.Repeat(`{"content":`, 9000) + "1" + strings.Repeat("}", 9000)
	slb := `{"specversion":"1.0","id":"1","source":"acs.slb","type":"slb:CloudMonitor:CertKeyExpired7","data":` + content + `}`
	unknown := `{"a":1` + strings.Repeat(`,"b":2`, 20000) + `}`
	began := time.Now()
	for _, payload := range []string{nested, slb, unknown, `{"specversion":"1.0","id":"1","source":"x","type":"x","data":` + nested + `}`} {
		for _, r := range (&event.Decoder{}).Decode([]byte(payload)).Requests {
			if err := r.Validate(); err != nil && len(err.Error()) > 4000 {
				t.Errorf("a payload of %d bytes is answered by %d", len(payload), len(err.Error()))
			}
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("reading them took %s", took)
	}
}

// Whatever comes, nothing panics, and what is derived from an event is
// automatic: only a request that is there word for word may be anything else.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("../../events/*.json")
	if len(files) == 0 {
		f.Fatal("no samples to begin with")
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		asked := (&event.Decoder{}).Decode(payload)
		if asked.Sweep != nil {
			return
		}
		if len(asked.Requests) == 0 || asked.Trigger == "" {
			t.Fatalf("%q has no answer: %+v", payload, asked)
		}
		for _, r := range asked.Requests {
			if r.Validate() == nil && r.InstanceID != "" && r.SSLEnabled != handler.Update && !says(string(payload), string(r.SSLEnabled), 20) {
				t.Fatalf("%q asks for %+v, which it does not say", payload, r)
			}
			if r.Validate() == nil && r.InstanceID != "" && !r.Automatic && !says(string(payload), "SSLEnabled", 20) {
				t.Fatalf("%q asks for %+v, which nobody wrote", payload, r)
			}
		}
	})
}

// says reports whether a word stands in a text, or in anything that is quoted or
// in base64 in it.
func says(text, word string, depth int) bool {
	if strings.Contains(text, word) {
		return true
	}
	if depth == 0 {
		return false
	}
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		var within func(v any) bool
		within = func(v any) bool {
			switch v := v.(type) {
			case string:
				return says(v, word, depth-1)
			case []any:
				return slices.ContainsFunc(v, within)
			case map[string]any:
				for name, value := range v {
					if strings.Contains(name, word) || within(value) {
						return true
					}
				}
			}
			return false
		}
		return within(v)
	}
	text = strings.TrimRight(strings.TrimSpace(text), "=\r\n")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.DecodeString(text); err == nil && len(decoded) > 0 && says(string(decoded), word, depth-1) {
			return true
		}
	}
	return false
}

func BenchmarkDecode(b *testing.B) {
	files, _ := filepath.Glob("../../events/*.json")
	if len(files) == 0 {
		b.Fatal("no samples")
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(file), func(b *testing.B) {
			d := &event.Decoder{}
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(payload)
			}
		})
	}
}
