package tairtest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

const renewal = "rds_apsaradb_ssl_update"

// at is a time relative to now, in the API's form.
func (w *world) at(d time.Duration) string {
	return w.Now().Add(d).UTC().Format("2006-01-02T15:04:05Z")
}

// scheduled is a world with one instance that has these tasks.
func scheduled(t *testing.T, tasks func(w *world) []tairtest.Task) *world {
	w := newWorldOf(t, tairtest.Options{Lag: -1})
	if err := w.Put(tairtest.Instance{InstanceID: id, SSLExpiredTime: w.at(20 * 24 * time.Hour), ActiveOperationTasks: tasks(w)}); err != nil {
		t.Fatal(err)
	}
	return w
}

// move sets a new time for tasks.
func (w *world) move(ids, switchTime string) string {
	return w.ask("ModifyActiveOperationTasks", "Ids="+ids+"&SwitchTime="+url.QueryEscape(switchTime)).code()
}

// A renewal restarts the instance once, at its time and not before. Afterwards the
// certificate is new.
func TestAlibabasRenewalRunsAtItsTime(t *testing.T) {
	w := scheduled(t, func(w *world) []tairtest.Task {
		return []tairtest.Task{{ID: 7, TaskType: renewal, SwitchTime: w.at(10 * time.Hour), PrepareInterval: "04:00:00"}}
	})
	before := w.instance()
	for _, step := range []struct {
		advance  time.Duration
		status   int
		restarts int
		renewed  bool
		instance string
	}{
		{6*time.Hour - time.Second, 3, 0, false, "Normal"},
		{2 * time.Hour, 4, 0, false, "Normal"},
		{2*time.Hour + time.Second, 4, 1, false, "SSLModifying"},
		{time.Minute, 5, 1, true, "Normal"},
		{30 * 24 * time.Hour, 5, 1, true, "Normal"},
	} {
		w.Advance(step.advance)
		i := w.instance()
		task := i.ActiveOperationTasks[0]
		if task.Status != step.status || i.Restarts != step.restarts || (i.SSLExpiredTime > before.SSLExpiredTime) != step.renewed || i.InstanceStatus != step.instance {
			t.Errorf("at %s the task is %d after %d restarts, the instance is %s and expires %s; want %+v", w.at(0), task.Status, i.Restarts, i.InstanceStatus, i.SSLExpiredTime, step)
		}
	}
}

// A renewal that was moved runs at the new time only.
func TestAMovedRenewalRunsOnce(t *testing.T) {
	w := scheduled(t, func(w *world) []tairtest.Task {
		return []tairtest.Task{{ID: 7, TaskType: renewal, SwitchTime: w.at(10 * time.Hour), Deadline: w.at(100 * time.Hour), PrepareInterval: "01:00:00"}}
	})
	if got := w.move("7", w.at(30*time.Minute)); got != "400 StartTimeBeforeNow" {
		t.Errorf("a move that leaves no time to prepare is answered %s", got)
	}
	to := w.at(50 * time.Hour)
	if got := w.move("7", to); got != "200" {
		t.Fatalf("the move is answered %s", got)
	}
	rows := w.ask("DescribeActiveOperationTasks", "InsName="+id).body["Items"].([]any)
	row := rows[0].(map[string]any)
	if row["SwitchTime"] != to || row["StartTime"] != w.at(49*time.Hour) || row["Id"] != 7.0 || row["AllowChange"] != "1" {
		t.Errorf("the moved task reads %v", row)
	}
	if w.Advance(49 * time.Hour); w.instance().Restarts != 0 {
		t.Error("it ran at the old time")
	}
	if w.Advance(24 * time.Hour); w.instance().Restarts != 1 || w.instance().ActiveOperationTasks[0].Status != 5 {
		t.Errorf("after the new time there are %d restarts, and the task is %+v", w.instance().Restarts, w.instance().ActiveOperationTasks)
	}
}

func TestActionsOnATask(t *testing.T) {
	const modify, cancel = "ModifyActiveOperationTasks", "CancelActiveOperationTasks"
	for name, test := range map[string]struct {
		change func(w *world, task *tairtest.Task)
		action string
		query  string // %s is the time in 50 hours
		want   string
		status int
	}{
		"moved":                        {nil, modify, "Ids=7&SwitchTime=%s&ImmediateStart=0", "200", 3},
		"moved to its deadline":        {func(w *world, task *tairtest.Task) { task.Deadline = w.at(50 * time.Hour) }, modify, "Ids=7&SwitchTime=%s", "200", 3},
		"moved past its deadline":      {func(w *world, task *tairtest.Task) { task.Deadline = w.at(50*time.Hour - time.Second) }, modify, "Ids=7&SwitchTime=%s", "400 SwitchTimeAfterDeadline", 3},
		"moved into the past":          {nil, modify, "Ids=7&SwitchTime=2020-01-01T00:00:00Z", "400 StartTimeBeforeNow", 3},
		"moved against its owner":      {func(w *world, task *tairtest.Task) { task.AllowChange = "0" }, modify, "Ids=7&SwitchTime=%s", "400 TaskModifyError", 3},
		"moved when done":              {func(w *world, task *tairtest.Task) { task.Status = 5 }, modify, "Ids=7&SwitchTime=%s", "403 IncorrectTaskStatus", 5},
		"moved with one that is none":  {nil, modify, "Ids=7,8&SwitchTime=%s", "400 TaskModifyError", 3},
		"moved in another region":      {nil, modify, "Ids=7&SwitchTime=%s&RegionId=cn-shanghai", "400 TaskModifyError", 3},
		"moved to no time":             {nil, modify, "Ids=7", "400 RequiredParam.NotFound", 3},
		"moved to a time of no zone":   {nil, modify, "Ids=7&SwitchTime=2100-01-01 00:00:00", "400 InvalidTime.Format", 3},
		"moved, none at all":           {nil, modify, "SwitchTime=%s", "400 RequiredParam.NotFound", 3},
		"moved, at once or not":        {nil, modify, "Ids=7&SwitchTime=%s&ImmediateStart=2", "400 InvalidParameter", 3},
		"begun at once":                {nil, modify, "Ids=7&ImmediateStart=1", "200", 4},
		"cancelled":                    {nil, cancel, "Ids=7", "200", 7},
		"cancelled against its owner":  {func(w *world, task *tairtest.Task) { task.AllowCancel = "0" }, cancel, "Ids=7", "400 TaskModifyError", 3},
		"cancelled after it has begun": {func(w *world, task *tairtest.Task) { task.StartTime = w.at(-time.Hour) }, cancel, "Ids=7", "403 IncorrectTaskStatus", 4},
		"cancelled when failed":        {func(w *world, task *tairtest.Task) { task.Status = 6 }, cancel, "Ids=7", "403 IncorrectTaskStatus", 6},
	} {
		t.Run(name, func(t *testing.T) {
			w := scheduled(t, func(w *world) []tairtest.Task {
				task := tairtest.Task{ID: 7, TaskType: renewal, SwitchTime: w.at(10 * time.Hour)}
				if test.change != nil {
					test.change(w, &task)
				}
				return []tairtest.Task{task}
			})
			before := w.instance().ActiveOperationTasks[0].SwitchTime
			if got := w.ask(test.action, strings.ReplaceAll(test.query, "%s", w.at(50*time.Hour))).code(); got != test.want {
				t.Errorf("it is answered %s, want %s", got, test.want)
			}
			task := w.instance().ActiveOperationTasks[0]
			moved := task.SwitchTime != before
			if task.Status != test.status || moved != (test.want == "200" && test.action == modify) {
				t.Errorf("then the task is %+v, want the status %d", task, test.status)
			}
		})
	}
}

func TestTasksThatCannotRun(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(w *world, i *tairtest.Instance)
		status   int
		restarts int
	}{
		"encryption is off":       {func(w *world, i *tairtest.Instance) { i.SSLEnabled, i.SSLExpiredTime = "Disable", "" }, 6, 0},
		"the instance is stopped": {func(w *world, i *tairtest.Instance) { i.InstanceStatus = "Inactive" }, 6, 0},
		"the time has passed":     {func(w *world, i *tairtest.Instance) { i.ActiveOperationTasks[0].SwitchTime = w.at(-time.Hour) }, 3, 0},
		"there is no time":        {func(w *world, i *tairtest.Instance) { i.ActiveOperationTasks[0].SwitchTime = "" }, 3, 0},
		"it was cancelled":        {func(w *world, i *tairtest.Instance) { i.ActiveOperationTasks[0].Status = 7 }, 7, 0},
		"it is of another type":   {func(w *world, i *tairtest.Instance) { i.ActiveOperationTasks[0].TaskType = "rds_apsaradb_ha" }, 5, 0},
		"nothing is in the way":   {func(w *world, i *tairtest.Instance) {}, 5, 1},
		"it begins, with no switch": {func(w *world, i *tairtest.Instance) {
			i.ActiveOperationTasks[0] = tairtest.Task{TaskType: renewal, StartTime: w.at(time.Hour), PrepareInterval: "02:00:00"}
		}, 5, 1},
	} {
		w := newWorldOf(t, tairtest.Options{})
		i := tairtest.Instance{InstanceID: id, SSLExpiredTime: w.at(time.Hour), ActiveOperationTasks: []tairtest.Task{{TaskType: renewal, SwitchTime: w.at(10 * time.Hour)}}}
		test.change(w, &i)
		if err := w.Put(i); err != nil {
			t.Fatal(err)
		}
		w.Advance(20 * time.Hour)
		if i := w.instance(); i.ActiveOperationTasks[0].Status != test.status || i.Restarts != test.restarts {
			t.Errorf("where %s, the task is %+v after %d restarts, want the status %d after %d", name, i.ActiveOperationTasks[0], i.Restarts, test.status, test.restarts)
		}
	}
}

// A renewal that is due during another change waits for the end of that change.
func TestARenewalWaitsForAChange(t *testing.T) {
	w := scheduled(t, func(w *world) []tairtest.Task {
		return []tairtest.Task{{TaskType: renewal, SwitchTime: w.at(3 * time.Second)}}
	})
	if err := w.modify("Update"); err != nil { // it takes 5 s
		t.Fatal(err)
	}
	w.Advance(6 * time.Second)
	if i := w.instance(); i.Restarts != 2 || i.InstanceStatus != "SSLModifying" || i.ActiveOperationTasks[0].Status != 4 {
		t.Errorf("in the middle the instance is %+v", i)
	}
	w.Advance(5 * time.Second)
	if i := w.instance(); i.Restarts != 2 || i.InstanceStatus != "Normal" || i.ActiveOperationTasks[0].Status != 5 {
		t.Errorf("in the end the instance is %+v", i)
	}
}

func TestTheActionsOnTasksHaveQuotas(t *testing.T) {
	w := scheduled(t, func(w *world) []tairtest.Task { return nil })
	for _, action := range []string{"ModifyActiveOperationTasks", "CancelActiveOperationTasks"} {
		for range 201 {
			w.ask(action, "Ids=7")
		}
		if got := w.Throttled(action); got != 1 {
			t.Errorf("of 201 calls of %s %d are throttled, want 1", action, got)
		}
	}
}

func TestChildrenOfGlobalInstancesAreListedAlone(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{}, tairtest.Instance{InstanceID: id}, tairtest.Instance{InstanceID: "r-member", GlobalInstanceID: "gr-a"})
	for query, want := range map[string]string{"": id + " r-member", "GlobalInstance=true": "r-member", "GlobalInstance=false": id} {
		if got := w.ask("DescribeInstances", query).ids(); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	if got := w.ask("DescribeInstances", "GlobalInstance=yes").code(); got != "400 InvalidParameter" {
		t.Errorf("a GlobalInstance that is neither true nor false is answered %s", got)
	}
}
