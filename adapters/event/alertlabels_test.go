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

func TestAlertsCanNameTheirInstanceInManyForms(t *testing.T) {
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
			t.Errorf("an alert with %s is read as %s, want the instance %s", label, got, want)
		}
	}
}

// The certificate map, with the exact host, counts before all other ways to find an
// alert's instance.
func TestAnAlertsHostIsLookedUpInTheCertificateMap(t *testing.T) {
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

// documentedLabels gives the labels in the README, in their order.
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
		t.Fatalf("the README lists only the labels %v", labels)
	}
	return labels
}

// The first label that names an instance counts, in the order of the README.
func TestTheFirstLabelThatNamesAnInstanceCounts(t *testing.T) {
	labels := documentedLabels(t)
	if !slices.Equal(labels, event.InstanceLabels) {
		t.Errorf("the README lists the labels %v, the code has %v", labels, event.InstanceLabels)
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
		slices.Reverse(all) // the order of the labels in the alert must not matter
		if got := asks(&event.Decoder{}, firing(strings.Join(all, ","))); got != "alertmanager: Update "+want+" automatic" {
			t.Errorf("an alert with the label %s asks for %s, want %s", label, got, want)
		}
	}
}

func TestAnAlertWithoutAnInstanceIsUnread(t *testing.T) {
	for _, labels := range []string{
		``, `"instance":"10.0.0.9:9121"`, `"instance":"averylonghostname123"`, `"instance_name":"` + id + `"`, `"name":"` + id + `"`, `"job":"` + id + `"`,
		`"instance":"orders-cache"`, `"addr":"redis://orders-cache:6379"`, `"host":"prometheusexporter01"`, `"instance":7`, `"instance":null`, `"instance_id":["` + id + `"]`,
		`"instance":"evil.example.com/` + id + `"`, `"instance":"` + id + `.redis.rds.aliyuncs.com.example.com:6379"`, `"instance":"a@` + id + `"`,
	} {
		if asked := (&event.Decoder{}).Decode(firing(labels)); !asked.Unread() || !strings.Contains(asked.Requests[0].Validate().Error(), "TAIRSSL_CERT_MAP") {
			t.Errorf("an alert with the labels {%s} asks for %s, want a fault that names TAIRSSL_CERT_MAP", labels, asks(&event.Decoder{}, firing(labels)))
		}
	}
}

// The password in an alert's URL stays out of the answer.
func TestAnUnresolvedAddressIsQuotedWithoutItsPassword(t *testing.T) {
	asked := (&event.Decoder{}).Decode(firing(`"addr":"redis://:hunter2@cache.example.com:6379/0"`))
	err := asked.Requests[0].Validate()
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "cache.example.com=INSTANCE to TAIRSSL_CERT_MAP") {
		t.Errorf("the answer is %v, want the host without the password", err)
	}
}
