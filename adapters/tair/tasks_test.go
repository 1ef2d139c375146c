package tair_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

const renewal = "rds_apsaradb_ssl_update"

// Tasks that have ended stay in the list. Pending tasks are found, however long the list
// is.
func TestScheduleOfManyPages(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05Z") }
	var tasks []tairtest.Task
	for n := range 250 {
		tasks = append(tasks, tairtest.Task{TaskType: renewal, Status: 5 + n%3, SwitchTime: in(-time.Duration(n) * 24 * time.Hour)})
	}
	tasks = append(tasks, tairtest.Task{TaskType: "rds_apsaradb_ha", SwitchTime: in(time.Hour)}, tairtest.Task{ID: 77, TaskType: renewal, SwitchTime: in(48 * time.Hour)})
	var fleet []tairtest.Instance
	for n := range 130 {
		fleet = append(fleet, tairtest.Instance{InstanceID: fmt.Sprintf("r-other%03d", n), ActiveOperationTasks: []tairtest.Task{{TaskType: renewal, Status: 3 + n%2, SwitchTime: in(24 * time.Hour)}}})
	}
	fleet = append(fleet, tairtest.Instance{InstanceID: ref.InstanceID, ActiveOperationTasks: tasks}, tairtest.Instance{InstanceID: "r-elsewhere", RegionID: "cn-beijing", ActiveOperationTasks: tasks[250:]})
	e, endpoint := emulate(t, tairtest.Options{}, fleet...)
	client := emulated(t, endpoint)

	all, err := client.Schedule(context.Background(), ref)
	if err != nil || len(all) != 251 || all[250].ID != "77" || all[250].Status != handler.RenewalPending {
		t.Errorf("the schedule of an instance has %d renewals, the last is %+v, %v; want 251", len(all), all[len(all)-1], err)
	}
	region, err := client.Schedule(context.Background(), handler.Ref{RegionID: ref.RegionID})
	seen := map[string]bool{}
	for _, r := range region {
		if seen[r.InstanceID] = true; !r.Coming() || r.RegionID != ref.RegionID {
			t.Errorf("the schedule of a region has %+v", r)
		}
	}
	if err != nil || len(region) != 131 || len(seen) != 131 {
		t.Errorf("the schedule of a region has %d renewals of %d instances, %v; want one of each of 131", len(region), len(seen), err)
	}
	if got := e.Calls("DescribeActiveOperationTasks"); got != 3+2 {
		t.Errorf("it was read by %d calls, want 3 pages and 2 lists", got)
	}
}

// The API's own examples have times in several forms.
func TestTimesOfTasks(t *testing.T) {
	at := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		row  string
		want handler.Renewal
	}{
		{`"SwitchTime":"2026-12-01T18:00:00Z","StartTime":"2026-12-01T14:00:00Z","Deadline":"2026-12-09T00:00:00Z","PrepareInterval":"04:00:00","AllowChange":"1"`,
			handler.Renewal{At: at, Begins: at.Add(-4 * time.Hour), Deadline: time.Date(2026, 12, 9, 0, 0, 0, 0, time.UTC), Lead: 4 * time.Hour}},
		{`"SwitchTime":"2026-12-01 18:00:00"`, handler.Renewal{At: at}},
		{`"SwitchTime":"2026-12-01T18:00:00"`, handler.Renewal{At: at}},
		{`"SwitchTime":"2026-12-01T18:00Z"`, handler.Renewal{At: at}},
		{`"SwitchTime":"2026-12-02T02:00:00+08:00"`, handler.Renewal{At: at}},
		{`"StartTime":"2026-12-01T17:30:00Z","PrepareInterval":"00:30:00"`, handler.Renewal{At: at, Begins: at.Add(-30 * time.Minute), Lead: 30 * time.Minute}},
		{`"SwitchTime":"soon","Deadline":"2026-12-01T18:00:00Z","PrepareInterval":"a while"`, handler.Renewal{At: at, Deadline: at}},
		{`"SwitchTime":"","StartTime":"2026-13-01T18:00:00Z","AllowChange":"0"`, handler.Renewal{Fixed: true}},
	} {
		client := against(t, answer(200, `{"RequestId":"AD7E16AA","TotalRecordCount":1,"Items":[{"Id":7,"InsName":"`+ref.InstanceID+`","TaskType":"`+renewal+`","Status":3,`+test.row+`}]}`))
		test.want.Ref, test.want.ID, test.want.Status = ref, "7", handler.RenewalPending
		if all, err := client.Schedule(context.Background(), ref); err != nil || len(all) != 1 || all[0] != test.want {
			t.Errorf("%s reads %+v, %v; want %+v", test.row, all, err, test.want)
		}
	}
}

// A list that never ends is read up to a limit.
func TestScheduleWithoutEnd(t *testing.T) {
	calls := 0
	client := against(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		answer(200, `{"RequestId":"AD7E16AA","TotalRecordCount":1000000,"Items":[{"Id":7,"InsName":"r-other","TaskType":"x","Status":3}]}`)(w, r)
	})
	if all, err := client.Schedule(context.Background(), ref); err != nil || len(all) != 0 || calls != 100 {
		t.Errorf("it ends with %+v, %v after %d calls, want 100", all, err, calls)
	}
}

// A move is sent once, whatever its result. Its error says whether the move may have
// happened.
func TestMovesThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		serve     http.HandlerFunc
		kind      handler.Kind
		uncertain bool
	}{
		"not movable":         {answer(400, refusal("TaskModifyError")), handler.Unsupported, false},
		"too late a time":     {answer(400, refusal("SwitchTimeAfterDeadline")), handler.Unsupported, false},
		"too early a time":    {answer(400, refusal("StartTimeBeforeNow")), handler.Unsupported, false},
		"begun":               {answer(400, refusal("TaskHasStarted")), handler.Unsupported, false},
		"ended":               {answer(403, refusal("IncorrectTaskStatus")), handler.Unsupported, false},
		"no right":            {answer(403, refusal("Forbidden.RAM")), handler.Forbidden, false},
		"throttled":           {answer(400, refusal("Throttling.User")), handler.Throttled, false},
		"a server in trouble": {answer(500, refusal("InternalError")), handler.Unavailable, true},
		"cut":                 {cut, handler.Unavailable, true},
		"empty":               {answer(200, `{}`), handler.Unavailable, true},
	} {
		var calls atomic.Int32
		client := against(t, func(w http.ResponseWriter, r *http.Request) { calls.Add(1); test.serve(w, r) })
		err := client.Move(context.Background(), handler.Renewal{Ref: ref, ID: "7"}, time.Now().Add(time.Hour), inTime())
		if e := handler.AsError(err); err == nil || !errors.Is(err, test.kind) || e.Uncertain != test.uncertain || calls.Load() != 1 {
			t.Errorf("%s: ends with %v, uncertain %v, after %d calls; want %s, %v, 1", name, err, e.Uncertain, calls.Load(), test.kind, test.uncertain)
		}
		if name == "no right" && !strings.Contains(err.Error(), "kvstore:ModifyActiveOperationTasks") {
			t.Errorf("the missing right is not named: %v", err)
		}
	}
}

// The time of a move is in UTC, to the second, and ImmediateStart is off.
func TestParametersOfAMove(t *testing.T) {
	var asked string
	client := against(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = fmt.Sprint(r.Form.Get("Action"), " ", r.Form.Get("Ids"), " ", r.Form.Get("SwitchTime"), " ", r.Form.Get("ImmediateStart"), " ", r.Form.Get("RegionId"))
		answer(200, `{"RequestId":"AD7E16AA","Ids":"7"}`)(w, r)
	})
	to := time.Date(2026, 12, 6, 2, 0, 0, 5, time.FixedZone("CST", 8*3600))
	if err := client.Move(context.Background(), handler.Renewal{Ref: ref, ID: "7"}, to, inTime()); err != nil {
		t.Error(err)
	}
	if want := "ModifyActiveOperationTasks 7 2026-12-05T18:00:00Z 0 " + ref.RegionID; asked != want {
		t.Errorf("it asks for %q, want %q", asked, want)
	}
}
