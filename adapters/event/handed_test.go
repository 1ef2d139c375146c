package event_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tairssl/adapters/event"
	"tairssl/handler"
)

// Handed work is the payload of an invocation of its own, so that only who may
// invoke the function can bring it. Every carrier is another way in.
func TestHandedWorkIsRefusedInEveryCarrier(t *testing.T) {
	const handed = `{"Handed":"c2VhbGVk"}`
	text, _ := json.Marshal(handed)
	encoded := base64.StdEncoding.EncodeToString([]byte(handed))
	carriers := map[string]string{
		"alone":                      handed,
		"with a request beside it":   `{"Handed":"x","InstanceId":"` + id + `","SSLEnabled":"Update"}`,
		"of another type":            `{"Handed":7}`,
		"in a batch":                 `[{"InstanceId":"` + id + `","SSLEnabled":"Update"},` + handed + `]`,
		"in a stream, as text":       `[` + string(text) + `]`,
		"a bus event's detail":       `{"detail-type":"x","source":"com.example","id":"1","detail":` + handed + `}`,
		"a schedule's detail":        `{"detail-type":"x","source":"aws.scheduler","id":"1","detail":` + string(text) + `}`,
		"a topic message":            `{"Type":"Notification","TopicArn":"a","MessageId":"1","Message":` + string(text) + `}`,
		"an MNS topic":               `{"TopicName":"t","MessageId":"1","Message":` + string(text) + `}`,
		"an MNS queue":               `{"specversion":"1.0","id":"1","source":"s","type":"mns:Queue:SendMessage","data":{"messageBody":` + string(text) + `}}`,
		"an MNS queue, base64":       `{"specversion":"1.0","id":"1","source":"s","type":"mns:Queue:SendMessage","data":{"messageBody":"` + encoded + `"}}`,
		"a timer":                    `{"triggerTime":"t","triggerName":"n","payload":` + string(text) + `}`,
		"a CloudEvent":               `{"specversion":"1.0","id":"1","source":"s","type":"x","data":` + handed + `}`,
		"a CloudEvent, base64":       `{"specversion":"1.0","id":"1","source":"s","type":"x","data_base64":"` + encoded + `"}`,
		"an alarm's description":     `{"AlarmName":"a","NewStateValue":"ALARM","AlarmDescription":` + string(text) + `}`,
		"a CloudEvent's own member":  `{"specversion":"1.0","id":"1","source":"s","type":"com.aliyun.tair.certificate.expiring","subject":"` + id + `","Handed":"x"}`,
		"an alert webhook's own one": `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance_id":"` + id + `"}}],"Handed":"x"}`,
	}
	for name, payload := range carriers {
		mustRefuse(t, name, (&event.Decoder{}).Decode([]byte(payload)))
	}
	d := &event.Decoder{}
	mustRefuse(t, "the route /ssl", d.Direct([]byte(handed)))
	mustRefuse(t, "CloudEvents over HTTP", d.CloudEvents(http.Header{"Content-Type": {"application/cloudevents+json"}}, []byte(carriers["a CloudEvent"])))
	if asked := d.Alerts("alertmanager", []byte(carriers["an alert webhook's own one"])); len(asked.Requests) != 1 || asked.Requests[0].Validate() == nil {
		t.Errorf("an alert with handed work asks for %+v", asked.Requests)
	}
}

func mustRefuse(t *testing.T, name string, asked event.Asked) {
	t.Helper()
	if len(asked.Requests) == 0 || asked.Sweep != nil {
		t.Errorf("%s: it is answered by nothing", name)
	}
	for _, result := range handler.New(nil, handler.Options{}).Handle(t.Context(), asked.Requests) {
		if result.Outcome != handler.Refused || !strings.Contains(result.Reason, "asynchronous invocation of the function only") {
			t.Errorf("%s: ends %s: %s", name, result.Outcome, result.Reason)
		}
	}
}

func TestOnlyAWholePayloadIsHandedWork(t *testing.T) {
	for payload, want := range map[string]bool{
		`{"Handed":"x"}`: true, ` {"Handed":"x"} `: true, `{"Handed":null,"Sweep":{}}`: true,
		`{"handed":"x"}`: false, `[{"Handed":"x"}]`: false, `"{\"Handed\":\"x\"}"`: false, `{"a":{"Handed":"x"}}`: false, `{"Handed":"x"`: false, ``: false,
	} {
		if got := event.Handed([]byte(payload)); got != want {
			t.Errorf("%s is handed work: %t, want %t", payload, got, want)
		}
	}
}
