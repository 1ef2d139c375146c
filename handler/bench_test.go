package handler

import (
	"testing"
	"time"
)

func BenchmarkDecode(b *testing.B) {
	payload := []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","RegionId":"cn-hangzhou","RenewBefore":"720h","SSLExpiredTime":"2026-12-01T00:00:00Z","Wait":"2m"}`)
	b.ReportAllocs()
	for b.Loop() {
		requests, _, err := Decode(payload)
		if err != nil || requests[0].Validate() != nil {
			b.Fatal(requests, err)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	o := Observation{Instance{Status: statusNormal}, SSL{Enabled: true, Expires: now.AddDate(0, 0, 12)}}
	r := Request{InstanceID: "r-bp1zxszhcgatnx01", SSLEnabled: Update}
	b.ReportAllocs()
	for b.Loop() {
		if d := decide(Delivery{Request: r, Trust: Trusted}, o, Policy{}, nil, now); !d.act {
			b.Fatal(d)
		}
	}
}
