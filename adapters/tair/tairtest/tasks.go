package tairtest

import (
	"cmp"
	"slices"
	"time"
)

// renewalTask is the type of the tasks with which Alibaba renews a certificate.
const renewalTask = "rds_apsaradb_ssl_update"

// The states of a task.
const (
	taskPending   = 3
	taskRunning   = 4
	taskDone      = 5
	taskFailed    = 6
	taskCancelled = 7
)

// firstTask is the number before the first task.
const firstTask = 1508310

// task is a task within an instance.
type task struct {
	Task
	runs time.Time // when it restarts the instance; zero if it does not run by itself
	done time.Time // when the change of a running task will be finished
}

// interval reads a PrepareInterval; "" means 0.
func interval(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.TimeOnly, text)
	return t.Sub(t.Truncate(24 * time.Hour)), err
}

// schedule fills in the tasks of an instance that is put. The caller holds e.mu.
func (e *Emulator) schedule(i Instance) (tasks []task) {
	for _, t := range i.ActiveOperationTasks {
		if t.ID == 0 {
			e.lastTask = max(e.lastTask, firstTask) + 1
			t.ID = e.lastTask
		}
		e.lastTask = max(e.lastTask, t.ID)
		t.Status = cmp.Or(t.Status, taskPending)
		or(&t.AllowChange, "1")
		or(&t.AllowCancel, "1")
		held := task{Task: t}
		prepare, _ := interval(t.PrepareInterval) // it was checked before
		if at, err := time.Parse(timeLayout, t.SwitchTime); err == nil {
			held.set(at)
			or(&t.StartTime, held.StartTime)
			held.StartTime = t.StartTime
		} else if from, err := time.Parse(timeLayout, t.StartTime); err == nil {
			held.set(from.Add(prepare))
		}
		if !held.runs.After(e.now()) {
			held.runs = time.Time{} // overdue
		}
		tasks = append(tasks, held)
	}
	return tasks
}

// set makes the task run at a time.
func (t *task) set(at time.Time) {
	prepare, _ := interval(t.PrepareInterval)
	t.runs, t.SwitchTime, t.StartTime = at, at.UTC().Format(timeLayout), at.Add(-prepare).UTC().Format(timeLayout)
}

// begins is when the task starts to prepare.
func (t *task) begins() time.Time {
	at, _ := time.Parse(timeLayout, t.StartTime)
	return at
}

// settleTasks runs the tasks that are due at a time.
func (i *instance) settleTasks(now time.Time) {
	var coming []*task
	for n := range i.tasks {
		if t := &i.tasks[n]; !t.runs.IsZero() {
			coming = append(coming, t)
		}
	}
	slices.SortStableFunc(coming, func(a, b *task) int { return a.runs.Compare(b.runs) })
	for _, t := range coming {
		switch {
		case t.Status == taskPending && !now.Before(t.runs):
			i.run(t)
		case t.Status == taskPending && now.After(t.begins()):
			t.Status = taskRunning
		case t.Status == taskRunning && t.done.IsZero() && !now.Before(t.runs):
			i.run(t)
		}
		if t.Status == taskRunning && !t.done.IsZero() && !now.Before(t.done) {
			t.Status, t.runs = taskDone, time.Time{}
		}
	}
}

// run carries out a task at its time. A renewal waits for a change that is under way.
func (i *instance) run(t *task) {
	i.settleChanges(t.runs)
	busy := i.InstanceStatus == "SSLModifying"
	switch {
	case t.TaskType != renewalTask:
		t.Status, t.done = taskRunning, t.runs
	case i.InstanceStatus != "Normal" && !busy || i.SSLEnabled != "Enable":
		t.Status, t.ResultInfo, t.runs = taskFailed, "the instance is "+i.InstanceStatus+", SSL "+cmp.Or(i.SSLEnabled, "none"), time.Time{}
	default:
		t.Status = taskRunning
		t.done = i.accept(change{"Update", t.runs, t.runs.Add(i.changeTime), i.signing()}, t.runs)
	}
}
