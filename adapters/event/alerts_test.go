package event_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/event"
)

func firing(labels string) []byte {
	return []byte(`{"status":"firing","alerts":[{"status":"firing","labels":{` + labels + `}}]}`)
}

// documentedLabels are those of the README, in their order.
func documentedLabels(t *testing.T) (labels []string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "a host of `TAIRSSL_CERT_MAP`:\n\n")
	section, _, _ = strings.Cut(section, "\n\n")
	for _, m := range regexp.MustCompile("`([A-Za-z_]+)`").FindAllStringSubmatch(section, -1) {
		labels = append(labels, m[1])
	}
	if len(labels) < 10 {
		t.Fatalf("the README names the labels %v", labels)
	}
	return labels
}

// The first label that resolves counts, in the order of the README.
func TestLabelsResolveInTheirOrder(t *testing.T) {
	labels := documentedLabels(t)
	if !slices.Equal(labels, event.InstanceLabels) {
		t.Errorf("the README has the labels %v, the code %v", labels, event.InstanceLabels)
	}
	for n, label := range labels {
		want := fmt.Sprintf("r-label%04d", n)
		all := []string{}
		for k, other := range labels {
			switch {
			case k < n:
				all = append(all, `"`+other+`":"exporter-`+fmt.Sprint(k)+`:9121"`)
			case k == n:
				all = append(all, `"`+label+`":"redis://`+want+`.redis.rds.aliyuncs.com:6379"`)
			default:
				all = append(all, `"`+other+`":"r-other1234.redis.rds.aliyuncs.com:6379"`)
			}
		}
		slices.Reverse(all) // not the order of the labels counts
		if got := asks(&event.Decoder{}, firing(strings.Join(all, ","))); got != "alertmanager: Update "+want+" automatic" {
			t.Errorf("an alert with the label %s asks for %s, want %s", label, got, want)
		}
	}
}

func TestLabelsThatNameNoInstance(t *testing.T) {
	for _, labels := range []string{
		``, `"instance":"10.0.0.9:9121"`, `"instance":"averylonghostname123"`, `"instance_name":"` + id + `"`, `"name":"` + id + `"`, `"job":"` + id + `"`,
		`"instance":"orders-cache"`, `"addr":"redis://orders-cache:6379"`, `"host":"prometheusexporter01"`, `"instance":7`, `"instance":null`, `"instance_id":["` + id + `"]`,
		`"instance":"evil.example.com/` + id + `"`, `"instance":"` + id + `.redis.rds.aliyuncs.com.example.com:6379"`, `"instance":"a@` + id + `"`,
	} {
		if asked := (&event.Decoder{}).Decode(firing(labels)); !asked.Unread() || !strings.Contains(asked.Requests[0].Validate().Error(), "TAIRSSL_CERT_MAP") {
			t.Errorf("{%s} asks for %s", labels, asks(&event.Decoder{}, firing(labels)))
		}
	}
}

// What an alert says of a URL's password stays out of the answer.
func TestAnUnresolvedAddressIsQuotedWithoutItsPassword(t *testing.T) {
	asked := (&event.Decoder{}).Decode(firing(`"addr":"redis://:hunter2@cache.example.com:6379/0"`))
	err := asked.Requests[0].Validate()
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "cache.example.com=INSTANCE to TAIRSSL_CERT_MAP") {
		t.Errorf("the answer is %v", err)
	}
}

func TestStatusesOfAlerts(t *testing.T) {
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

// What the sender cut off is told with what it sent.
func TestTruncatedAlertsAreTold(t *testing.T) {
	asked := (&event.Decoder{}).Decode([]byte(`{"status":"firing","truncatedAlerts":7,"alerts":[{"status":"firing","labels":{"instance_id":"` + id + `"}}]}`))
	if len(asked.Requests) != 2 || !asked.Requests[1].Settled() || !strings.Contains(asked.LeftOut, "7 more alerts") {
		t.Errorf("seven alerts that were cut off are told as %q, with %d requests", asked.LeftOut, len(asked.Requests))
	}
	asked = (&event.Decoder{}).Decode([]byte(`{"status":"firing","truncatedAlerts":7,"alerts":[{"status":"firing","labels":{}}]}`))
	if !asked.Unread() {
		t.Errorf("alerts that name nothing, and more that were cut off, ask for %+v", asked.Requests)
	}
}

// Of many alerts of one host the fault is said once.
func TestManyAlertsOfOneHostAreOneFault(t *testing.T) {
	alert := `{"status":"firing","labels":{"alertname":"x","instance":"web:80"}}`
	asked := (&event.Decoder{}).Decode([]byte(`{"status":"firing","alerts":[` + strings.Repeat(alert+",", 200) + alert + `]}`))
	if len(asked.Requests) != 1 {
		t.Errorf("200 alerts of one host are %d faults", len(asked.Requests))
	}
}
