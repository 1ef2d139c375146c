package event_test

import (
	"strings"
	"testing"
	"time"

	"tairssl/adapters/event"
	"tairssl/handler/handlertest"
)

// Decoding has a limit of allocations. The limits are about ten times the measured
// numbers.
func TestDecodingIsCheap(t *testing.T) {
	d := &event.Decoder{}
	for file, payload := range handlertest.Samples(t, "../../events") {
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
			t.Errorf("each %s in a batch costs %v allocations, more than 80", name, each)
		}
	}
}

// A payload that is nested very deep or full of faults costs little time and gets a
// short answer.
func TestHostilePayloadsCostLittle(t *testing.T) {
	nested := strings.Repeat(`["x",`, 9000) + `["x"]` + strings.Repeat("]", 9000)
	content := strings.Repeat(`{"content":`, 9000) + "1" + strings.Repeat("}", 9000)
	slb := `{"specversion":"1.0","id":"1","source":"acs.slb","type":"slb:CloudMonitor:CertKeyExpired7","data":` + content + `}`
	unknown := `{"a":1` + strings.Repeat(`,"b":2`, 20000) + `}`
	began := time.Now()
	for _, payload := range []string{nested, slb, unknown, `{"specversion":"1.0","id":"1","source":"x","type":"x","data":` + nested + `}`} {
		for _, r := range (&event.Decoder{}).Decode([]byte(payload)).Requests {
			if err := r.Validate(); err != nil && len(err.Error()) > 4000 {
				t.Errorf("the answer to a payload of %d bytes has %d bytes, want at most 4000", len(payload), len(err.Error()))
			}
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("reading the payloads took %s, want at most 5 s", took)
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, payload := range handlertest.Samples(b, "../../events") {
		b.Run(name, func(b *testing.B) {
			d := &event.Decoder{}
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(payload)
			}
		})
	}
}
