package event_test

import (
	"strings"
	"testing"

	"tairssl/adapters/event"
)

const id = "r-bp1zxszhcgatnx01"

func TestRecognisedButBadNeverFallsThrough(t *testing.T) {
	const wish = `"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Disable"`
	for name, payload := range map[string]string{
		"cloudevent of another version":        `{"specversion":"0.3",` + wish + `}`,
		"cloudevent without id":                `{"specversion":"1.0","type":"x","source":"y","data":{` + wish + `}}`,
		"cloudevent, bad base64":               `{"specversion":"1.0","id":"1","type":"x","source":"y","data_base64":"%%%"}`,
		"alerts of another version":            `{"version":"9","status":"firing","alerts":[],` + wish + `}`,
		"alerts that are no list":              `{"version":"4","status":"firing","alerts":{},` + wish + `}`,
		"a timer with nothing":                 `{"triggerTime":"x","triggerName":"y",` + wish + `}`,
		"an event with a number as its detail": `{"detail-type":"x","source":"com.example","detail":7,` + wish + `}`,
		"an alarm that names nothing":          `{"source":"aws.cloudwatch","alarmArn":"x","alarmData":{"state":{"value":"ALARM"}},` + wish + `}`,
		"an alert that names nothing":          `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance":"web:80"}}]}`,
		"a certificate without an instance":    `{"detail-type":"ACM Certificate Expired","source":"aws.acm","resources":[],"detail":{"CommonName":"a.example.com"}}`,
		"a schedule without input":             `{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`,
		"a rule without input":                 `{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`,
		"an operation on something else":       `{"product":"ecs","resourceId":"acs:ecs:cn-hangzhou:1:instance/i-1","name":"Instance[SystemMaintenance.ScheduledOperation:Scheduled]"}`,
		"nested nine deep":                     strings.Repeat(`{"triggerTime":"x","triggerName":"y","payload":`, 9) + `{` + wish + `}` + strings.Repeat("}", 9),
		"a request with a field too many":      `{` + wish + `,"Colour":"red"}`,
		"a sweep of something else":            `{"Sweep":{"Colour":1}}`,
		"a sweep and a request":                `{"Sweep":{},` + wish + `}`,
		"nothing":                              ``,
		"no JSON":                              `hello`,
	} {
		asked := (&event.Decoder{}).Decode([]byte(payload))
		if len(asked.Requests) != 1 || asked.Requests[0].Validate() == nil {
			t.Errorf("%s: it asks for %+v, want a fault", name, asked.Requests)
		}
	}
}

func TestEventsThatAskForNothing(t *testing.T) {
	for name, payload := range map[string]string{
		"a resolved alert":         `{"version":"4","status":"resolved","alerts":[{"status":"resolved","labels":{"instance":"` + id + `.redis.rds.aliyuncs.com:6379"}}]}`,
		"a compliant resource":     `{"detail-type":"Config Rules Compliance Change","source":"aws.config","detail":{"newEvaluationResult":{"complianceType":"COMPLIANT"}}}`,
		"an alarm that is over":    `{"source":"aws.cloudwatch","alarmArn":"x","alarmData":{"state":{"value":"OK"}}}`,
		"another operation":        `{"product":"kvstore","resourceId":"acs:kvstore:cn-hangzhou:1:instance/` + id + `","name":"Instance[Failover]"}`,
		"another event of kvstore": `{"specversion":"1.0","id":"1","source":"acs.kvstore","type":"kvstore:ActionTrail:AliyunServiceEvent","subject":"` + id + `","data":{"InstanceId":"` + id + `","SSLEnabled":"Disable"}}`,
		"another event of ACM":     `{"detail-type":"ACM Certificate Available","source":"aws.acm","detail":{"CommonName":"` + id + `.redis.rds.aliyuncs.com"}}`,
	} {
		if got := asks(&event.Decoder{}, []byte(payload)); !strings.HasSuffix(got, ": nothing") {
			t.Errorf("%s is read as %s, want nothing", name, got)
		}
	}
}

func TestPayloadsAsVendorsSendThem(t *testing.T) {
	wish := `{\"InstanceId\":\"` + id + `\",\"SSLEnabled\":\"Update\"}`
	encoded := "eyJJbnN0YW5jZUlkIjoici1icDF6eHN6aGNnYXRueDAxIiwiU1NMRW5hYmxlZCI6IlVwZGF0ZSJ9"
	mapped := &event.Decoder{Certificates: certMap(t, "*.example.com=r-mapped01")}
	for name, test := range map[string]struct{ payload, want string }{
		"a record of Kafka":                {`[{"specversion":"1.0","id":"1","source":"acs:alikafka","type":"alikafka:Topic:Message","data":{"topic":"t","value":"` + wish + `"}}]`, "stream/kafka/direct: Update " + id},
		"a message of RabbitMQ":            {`[{"specversion":"1.0","id":"1","source":"acs:amqp","type":"amqp:Queue:SendMessage","data":{"body":"` + wish + `"}}]`, "stream/rabbitmq/direct: Update " + id},
		"base64 in MNS":                    {`{"TopicName":"t","MessageId":"1","Message":"` + encoded + `"}`, "mns-topic/direct: Update " + id},
		"an alarm by SNS":                  {`{"AlarmName":"x","NewStateValue":"ALARM","AlarmDescription":"` + id + `"}`, "cloudwatch-alarm: Update " + id + " automatic"},
		"Config of a bucket":               {`{"detail-type":"Config Rules Compliance Change","source":"aws.config","detail":{"resourceType":"AWS::S3::Bucket","resourceId":"static.example.com","newEvaluationResult":{"complianceType":"NON_COMPLIANT"}}}`, "config: nothing"},
		"SLB, content as text":             {`{"specversion":"1.0","id":"1","source":"acs.slb","type":"slb:CloudMonitor:CertKeyExpired7","data":{"content":"{\"CommonName\":\"a.example.com\"}"}}`, "slb: Update r-mapped01 automatic"},
		"an endpoint as subject":           {`{"specversion":"1.0","id":"1","source":"x","type":"` + event.Expiring + `","subject":"` + id + `.redis.rds.aliyuncs.com:6379"}`, "cloudevent: Update " + id + " automatic"},
		"an alert of a web server":         {`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance":"www.example.com:443"}}]}`, "alertmanager: invalid"},
		"an unknown event and a known one": {`[{"odd":1},{"specversion":"1.0","id":"1","source":"x","type":"` + event.Expiring + `","subject":"` + id + `"}]`, "stream/unknown,stream/cloudevent: invalid, Update " + id + " automatic"},
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

// The answer names every fault of a sweep order.
func TestEveryFaultOfASweepIsNamed(t *testing.T) {
	asked := (&event.Decoder{}).Decode([]byte(`{"Sweep":{"Regions":["X","Y"],"RenewBefore":"9999h","MaxTargets":-1}}`))
	if len(asked.Requests) != 1 {
		t.Fatalf("the order asks for %+v, want one fault", asked)
	}
	err := asked.Requests[0].Validate()
	if err == nil {
		t.Fatal("the order has no fault")
	}
	for _, want := range []string{`"X"`, `"Y"`, "RenewBefore", "MaxTargets"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the fault does not name %s: %v", want, err)
		}
	}
}
