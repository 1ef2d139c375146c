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

// Handed work must be the whole payload of an invocation. So only a sender who may
// invoke the function can send it. A carrier would open the way for others.
func TestHandedWorkIsRefusedInEveryCarrier(t *testing.T) {
	const handed = `{"Handed":"c2VhbGVk"}`
	text, _ := json.Marshal(handed)
	encoded := base64.StdEncoding.EncodeToString([]byte(handed))
	carriers := map[string]string{
		"alone":                             handed,
		"with a request in the same object": `{"Handed":"x","InstanceId":"` + id + `","SSLEnabled":"Update"}`,
		"that is a number":                  `{"Handed":7}`,
		"in a batch":                        `[{"InstanceId":"` + id + `","SSLEnabled":"Update"},` + handed + `]`,
		"in a stream, as text":              `[` + string(text) + `]`,
		"a bus event's detail":              `{"detail-type":"x","source":"com.example","id":"1","detail":` + handed + `}`,
		"a schedule's detail":               `{"detail-type":"x","source":"aws.scheduler","id":"1","detail":` + string(text) + `}`,
		"a topic message":                   `{"Type":"Notification","TopicArn":"a","MessageId":"1","Message":` + string(text) + `}`,
		"an MNS topic":                      `{"TopicName":"t","MessageId":"1","Message":` + string(text) + `}`,
		"an MNS queue":                      `{"specversion":"1.0","id":"1","source":"s","type":"mns:Queue:SendMessage","data":{"messageBody":` + string(text) + `}}`,
		"an MNS queue, base64":              `{"specversion":"1.0","id":"1","source":"s","type":"mns:Queue:SendMessage","data":{"messageBody":"` + encoded + `"}}`,
		"a timer":                           `{"triggerTime":"t","triggerName":"n","payload":` + string(text) + `}`,
		"a CloudEvent":                      `{"specversion":"1.0","id":"1","source":"s","type":"x","data":` + handed + `}`,
		"a CloudEvent, base64":              `{"specversion":"1.0","id":"1","source":"s","type":"x","data_base64":"` + encoded + `"}`,
		"an alarm's description":            `{"AlarmName":"a","NewStateValue":"ALARM","AlarmDescription":` + string(text) + `}`,
		"a CloudEvent's member":             `{"specversion":"1.0","id":"1","source":"s","type":"com.aliyun.tair.certificate.expiring","subject":"` + id + `","Handed":"x"}`,
		"an alert webhook's member":         `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance_id":"` + id + `"}}],"Handed":"x"}`,
	}
	for name, payload := range carriers {
		mustRefuse(t, name, (&event.Decoder{}).Decode([]byte(payload)))
	}
	d := &event.Decoder{}
	mustRefuse(t, "the route /ssl", d.Direct([]byte(handed)))
	mustRefuse(t, "CloudEvents over HTTP", d.CloudEvents(http.Header{"Content-Type": {"application/cloudevents+json"}}, []byte(carriers["a CloudEvent"])))
	if asked := d.Alerts("alertmanager", []byte(carriers["an alert webhook's member"])); len(asked.Requests) != 1 || asked.Requests[0].Validate() == nil {
		t.Errorf("an alert with handed work asks for %+v, want a fault", asked.Requests)
	}
}

func mustRefuse(t *testing.T, name string, asked event.Asked) {
	t.Helper()
	if len(asked.Requests) == 0 || asked.Sweep != nil {
		t.Errorf("%s: it has no answer", name)
	}
	for _, result := range handler.New(nil, handler.Options{}).Handle(t.Context(), asked.Requests) {
		if result.Outcome != handler.Refused || !strings.Contains(result.Reason, "only from an asynchronous invocation of the function") {
			t.Errorf("%s: it ends as %s: %s; want a refusal", name, result.Outcome, result.Reason)
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
