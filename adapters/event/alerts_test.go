package event_test

import (
	"strings"
	"testing"

	"tairssl/adapters/event"
)

func firing(labels string) []byte {
	return []byte(`{"status":"firing","alerts":[{"status":"firing","labels":{` + labels + `}}]}`)
}

func TestOnlyFiringAlertsAskForAnUpdate(t *testing.T) {
	labels := `"labels":{"instance_id":"` + id + `"}`
	for payload, want := range map[string]string{
		`{"status":"firing","alerts":[{"status":"firing",` + labels + `}]}`:     "Update " + id + " automatic",
		`{"status":"resolved","alerts":[{"status":"firing",` + labels + `}]}`:   "Update " + id + " automatic",
		`{"status":"FIRING","alerts":[{` + labels + `}]}`:                       "Update " + id + " automatic",
		`{"status":"firing","alerts":[{"status":"resolved",` + labels + `}]}`:   "nothing",
		`{"status":"firing","alerts":[{"status":"suppressed",` + labels + `}]}`: "invalid",
		`{"status":"firing","alerts":[{"status":1,` + labels + `}]}`:            "Update " + id + " automatic",
		`{"alerts":[{` + labels + `}]}`:                                         "invalid",
		`{"status":"firing","alerts":[]}`:                                       "invalid",
		`{"status":"firing","alerts":[7]}`:                                      "invalid",
		`{"status":"firing","alerts":"` + id + `"}`:                             "invalid",
	} {
		if got := asks(&event.Decoder{}, []byte(payload)); got != "alertmanager: "+want {
			t.Errorf("%s asks for %s, want %s", payload, got, want)
		}
	}
}

// The answer counts the alerts that the sender cut off.
func TestAlertsThatTheSenderCutOffAreCounted(t *testing.T) {
	asked := (&event.Decoder{}).Decode([]byte(`{"status":"firing","truncatedAlerts":7,"alerts":[{"status":"firing","labels":{"instance_id":"` + id + `"}}]}`))
	if len(asked.Requests) != 2 || !asked.Requests[1].Settled() || !strings.Contains(asked.LeftOut, "7 more alerts") {
		t.Errorf("seven alerts were cut off: the answer says %q and has %d results", asked.LeftOut, len(asked.Requests))
	}
	asked = (&event.Decoder{}).Decode([]byte(`{"status":"firing","truncatedAlerts":7,"alerts":[{"status":"firing","labels":{}}]}`))
	if !asked.Unread() {
		t.Errorf("alerts that name no instance, with seven more cut off, ask for %+v, want a fault", asked.Requests)
	}
}

// Many alerts about one host give one fault.
func TestManyAlertsAboutOneHostGiveOneFault(t *testing.T) {
	alert := `{"status":"firing","labels":{"alertname":"x","instance":"web:80"}}`
	asked := (&event.Decoder{}).Decode([]byte(`{"status":"firing","alerts":[` + strings.Repeat(alert+",", 200) + alert + `]}`))
	if len(asked.Requests) != 1 {
		t.Errorf("201 alerts about one host give %d faults, want 1", len(asked.Requests))
	}
}
