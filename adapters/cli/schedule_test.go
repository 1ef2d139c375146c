package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// Status reads Alibaba's schedule for a whole region with two calls, one for pending tasks
// and one for running tasks. Each instance that is due needs one more call.
func TestStatusReadsTheScheduleOfAFleetAtOnce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	in := func(days int) string { return handler.At(s.Now().Add(time.Duration(days) * 24 * time.Hour)).String() }
	var fleet []tairtest.Instance
	for n := range 40 {
		fleet = append(fleet, tairtest.Instance{
			InstanceID: fmt.Sprintf("r-scheduled%02d", n), RegionID: "cn-beijing", SSLExpiredTime: in(90),
			ActiveOperationTasks: []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", SwitchTime: in(5)}},
		})
	}
	fleet[0].SSLExpiredTime = in(20)
	if err := s.Put(fleet...); err != nil {
		t.Fatal(err)
	}
	at := fleet[0].ActiveOperationTasks[0].SwitchTime[:len("2026-12-01T")]
	code, out, stderr := s.run("", "status", "--all", "--region", "cn-beijing", "-o", "wide")
	if got := strings.Count(out, "Alibaba itself renews it "+at); code != 0 || got != 40 || stderr != "" {
		t.Errorf("the exit code is %d and shows %d renewals by Alibaba, want 40:\n%s%s", code, got, out, stderr)
	}
	if got := s.Calls("DescribeActiveOperationTasks"); got != 3 {
		t.Errorf("the schedule was read by %d calls, want 3", got)
	}
}
