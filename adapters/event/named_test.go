package event_test

import (
	"strings"
	"testing"

	"tairssl/adapters/event"
)

// The region comes from the endpoint, unless the sender names one. The decoder does not
// compare it with the configured regions: the handler does.
func TestTheRegionComesFromTheSenderOrTheEndpoint(t *testing.T) {
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
		// The region follows the ids.
		before, after, found := strings.Cut(got, "@")
		if region, _, _ := strings.Cut(after, " "); found {
			got = before + "@" + region
		}
		if got = strings.TrimSuffix(strings.TrimPrefix(got, "Update "), " automatic"); got != want {
			t.Errorf("%s asks for %s, want %s", payload, got, want)
		}
	}
}

// An old id looks like any other word. So a word in a free text is no id.
func TestAWordInAFreeTextIsNoInstance(t *testing.T) {
	for _, payload := range []string{
		`{"AlarmName":"x","NewStateValue":"ALARM","AlarmDescription":"thedatabaseisdown"}`,
		`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"instance":"averylonghostname123"}}]}`,
		`{"detail-type":"ACM Certificate Expired","source":"aws.acm","detail":{"CommonName":"averylonghostname123"}}`,
		`{"detail-type":"ACM Certificate Expired","source":"aws.acm","detail":{"CommonName":"` + id + `"}}`,
		`{"specversion":"1.0","id":"1","source":"acs.slb","type":"slb:CloudMonitor:CertKeyExpired15","subject":"acs:slb:cn-hangzhou:1:certificate/1234567890123456789"}`,
	} {
		if got := asks(&event.Decoder{}, []byte(payload)); !strings.HasSuffix(got, ": invalid") {
			t.Errorf("%s is read as %s, want a fault", payload, got)
		}
	}
}
