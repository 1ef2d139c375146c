package function_test

import (
	"context"
	"testing"
	"time"
)

// A sweep makes one call to list, one to read each instance with TLS, and one to read
// Alibaba's own schedule for each instance that is due. A missing approval or a freeze
// needs no further call.
func TestFreezesAndApprovalsCostASweepNoFurtherCall(t *testing.T) {
	const list, instance, ssl, tasks = "DescribeInstances", "DescribeInstanceAttribute", "DescribeInstanceSSL", "DescribeActiveOperationTasks"
	shut := "TAIRSSL_WINDOW=00:00-00:01 Etc/GMT+12"
	for name, test := range map[string]struct {
		settings []string
		order    string
		calls    map[string]int
	}{
		"without either, as a dry run":          {[]string{"TAIRSSL_WINDOW=any"}, `{"Sweep":{"DryRun":true}}`, map[string]int{list: 1, ssl: 10, instance: 2, tasks: 2}},
		"without either, outside of the window": {[]string{shut}, `{"Sweep":{}}`, map[string]int{list: 1, ssl: 8, tasks: 2}},
		"approval missing":                      {[]string{"TAIRSSL_WINDOW=any", "TAIRSSL_APPROVAL=required"}, `{"Sweep":{}}`, map[string]int{list: 1, ssl: 8, tasks: 2}},
		"frozen":                                {[]string{"TAIRSSL_WINDOW=any", "TAIRSSL_FREEZE=" + days(-1, 1)}, `{"Sweep":{}}`, map[string]int{list: 1, ssl: 8, tasks: 2}},
	} {
		w := onLambda(t, test.settings...)
		if _, err := w.Invoke(context.Background(), []byte(test.order)); err != nil {
			t.Fatal(err)
		}
		for _, action := range []string{list, instance, ssl, tasks, "TagResources", "UntagResources", "ModifyInstanceSSL"} {
			if got := w.Calls(action); got != test.calls[action] {
				t.Errorf("%s: %d calls of %s, want %d", name, got, action, test.calls[action])
			}
		}
	}
}

// days gives a freeze between two days, counted from today.
func days(from, to int) string {
	return time.Now().UTC().AddDate(0, 0, from).Format(time.DateOnly) + "/" + time.Now().UTC().AddDate(0, 0, to).Format(time.DateOnly)
}
