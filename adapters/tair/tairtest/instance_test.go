package tairtest_test

import (
	"testing"

	"tairssl/adapters/tair/tairtest"
)

func TestErrorsOfInstancesNameFieldAndIndex(t *testing.T) {
	for input, want := range map[string]string{
		`[{"InstanceId":"r-a"},{"InstanceId":"r-b","Colour":"red"}]`: `instance 1: json: unknown field "Colour"`,
		`[{"InstanceId":"r-a"},{}]`:                                  `instance 1: InstanceId is missing`,
		`[null]`:                                                     `instance 0: InstanceId is missing`,
		`{"InstanceId":"r-a","SSLEnabled":"Maybe"}`:                  `instance 0: SSLEnabled "Maybe" is neither Enable nor Disable`,
		`{"InstanceId":"r-a","SSLExpiredTime":"soon","MaintainEndTime":"26:00Z"}`:                         `instance 0: SSLExpiredTime "soon" is not a time like 2026-12-01T00:00:00Z; MaintainEndTime "26:00Z" is not a time like 18:00Z`,
		`{"InstanceId":"r-a","ActiveOperationTasks":[{"TaskType":"t"},{"TaskType":"t","StartTime":"x"}]}`: `instance 0: ActiveOperationTasks[1].StartTime "x" is not a time like 2026-12-01T00:00:00Z`,
		`{"InstanceId":"r-a","CertCommonName":"a b"}`:                                                     `instance 0: CertCommonName "a b" is not a host name`,
		`{"InstanceId":"r-a","Tags":{"":"x"}}`:                                                            `instance 0: Tags: the Key of "" has the wrong length: keys take 1 to 64 characters, values up to 128`,
		`{"InstanceId":"r-a"},{"InstanceId":"r-b"}`:                                                       `instance 0: invalid character ',' after top-level value`,
	} {
		if _, err := tairtest.DecodeInstances([]byte(input)); err == nil || err.Error() != want {
			t.Errorf("%s is answered %q, want %q", input, err, want)
		}
	}
}
