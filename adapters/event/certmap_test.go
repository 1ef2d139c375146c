package event_test

import (
	"strings"
	"testing"

	"tairssl/adapters/event"
	"tairssl/handler"
)

// A map that is taken names instances only, and reads the same once more from what
// it says.
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
				t.Errorf("%q maps %q to %+v", text, mapping.Name, ref)
			}
			entry := mapping.Name + "=" + ref.InstanceID
			if ref.RegionID != "" {
				entry += "@" + ref.RegionID
			}
			entries = append(entries, entry)
		}
		var again event.CertMap
		if err := again.UnmarshalText([]byte(strings.Join(entries, ","))); err != nil || len(again) != len(m) {
			t.Fatalf("%q is read as %+v, and that as %+v, %v", text, m, again, err)
		}
		for i := range m {
			if again[i] != m[i] {
				t.Errorf("%q is read as %+v, and that as %+v", text, m[i], again[i])
			}
		}
	})
}
