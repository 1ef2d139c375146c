package event_test

import (
	"fmt"
	"strings"
	"testing"

	"tairssl/adapters/event"
	"tairssl/handler"
)

// A map that is accepted names only instances. Written down and read again, it is the
// same.
func FuzzCertMap(f *testing.F) {
	for _, text := range []string{
		"", ",", "a.example.com=r-bp1zxszhcgatnx01", " *.example.com = r-bp1zxszhcgatnx01@cn-shanghai , arn:aws:acm:eu-west-1:1:certificate/x=tt-bp1zxszhcgat@cn-beijing",
		"=r-bp1zxszhcgatnx01", "a=", "a=r-bp1zxszhcgatnx01@", "a=r-bp1zxszhcgatnx01@x@y", "a=b=r-bp1zxszhcgatnx01", "\u00a0=r-bp1zxszhcgatnx01",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m event.CertMap
		if err := m.UnmarshalText([]byte(text)); err != nil {
			return
		}
		var entries []string
		for _, mapping := range m {
			ref := mapping.Ref
			if mapping.Name == "" || mapping.Name != strings.TrimSpace(mapping.Name) || !handler.ValidID(ref.InstanceID) || ref.RegionID != "" && !handler.ValidRegion(ref.RegionID) {
				t.Errorf("%q is accepted, and maps %q to %+v", text, mapping.Name, ref)
			}
			entry := mapping.Name + "=" + ref.InstanceID
			if ref.RegionID != "" {
				entry += "@" + ref.RegionID
			}
			entries = append(entries, entry)
		}
		var again event.CertMap
		if err := again.UnmarshalText([]byte(strings.Join(entries, ","))); err != nil || len(again) != len(m) {
			t.Fatalf("%q is read as %+v; written down and read again, it is %+v, %v", text, m, again, err)
		}
		for i := range m {
			if again[i] != m[i] {
				t.Errorf("%q is read as %+v; written down and read again, it is %+v", text, m[i], again[i])
			}
		}
	})
}

func certMap(t *testing.T, text string) event.CertMap {
	t.Helper()
	var m event.CertMap
	if err := m.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheCertificateMapFindsTheInstancesOfACertificate(t *testing.T) {
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
			t.Errorf("%q is accepted as %v", bad, m)
		}
	}
}
