package tairtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// describeActiveOperationTasks lists the tasks of the call's region. The parameter Region
// narrows the list. Its value "all" does not.
func describeActiveOperationTasks(e *Emulator, c call) (object, *refusal) {
	size, page, wrong := c.page(25, 100)
	if wrong != nil {
		return nil, wrong
	}
	p := c.params
	// wants reports whether a filter accepts a value. The words in all mean "no filter".
	wants := func(filter, value string, all ...string) bool {
		return p[filter] == "" || slices.Contains(all, p[filter]) || p[filter] == value
	}
	total, rows := 0, []object{}
	for _, i := range e.sorted {
		if i.RegionID != c.region || !wants("InsName", i.InstanceID) || !wants("Region", i.RegionID, "all") {
			continue
		}
		i.settle(e.now())
		for _, t := range i.tasks {
			if !wants("TaskType", t.TaskType, "all") || !wants("Status", strconv.Itoa(t.Status), "-1") ||
				!wants("AllowChange", t.AllowChange, "-1") || !wants("AllowCancel", t.AllowCancel, "-1") {
				continue
			}
			if total >= (page-1)*size && len(rows) < size {
				rows = append(rows, t.describe(i))
			}
			total++
		}
	}
	return object{"Items": rows, "TotalRecordCount": total, "PageNumber": page, "PageSize": size}, nil
}

func (t *task) describe(i *instance) object {
	return object{"Id": t.ID, "TaskId": strconv.Itoa(t.ID), "InsName": i.InstanceID, "InstanceId": i.InstanceID, "Region": i.RegionID, "RegionId": i.RegionID,
		"DbType": "redis", "TaskType": t.TaskType, "Status": t.Status, "StartTime": t.StartTime, "SwitchTime": t.SwitchTime, "Deadline": t.Deadline,
		"PrepareInterval": t.PrepareInterval, "AllowChange": t.AllowChange, "AllowCancel": t.AllowCancel, "ResultInfo": t.ResultInfo}
}

// The refusals of the actions on tasks. The first four are published for
// ModifyActiveOperationTask, the last one for the same action of a related product.
var (
	noParameter   = &refusal{http.StatusBadRequest, "RequiredParam.NotFound", "Required input param is not found."}
	unmodifiable  = &refusal{http.StatusBadRequest, "TaskModifyError", "Part of the tasks cannot be modified."}
	afterDeadline = &refusal{http.StatusBadRequest, "SwitchTimeAfterDeadline", "The switch time should be earlier than deadline."}
	beforeNow     = &refusal{http.StatusBadRequest, "StartTimeBeforeNow", "The start time should not be earlier than the current time."}
	badTaskStatus = &refusal{http.StatusForbidden, "IncorrectTaskStatus", "Certain task's status does not support this operation."}
)

// modifyActiveOperationTasks moves all named tasks or none. They must be pending. With
// ImmediateStart 1 they start now, and SwitchTime is ignored.
func modifyActiveOperationTasks(e *Emulator, c call) (object, *refusal) {
	tasks, wrong := e.tasks(c)
	if wrong != nil {
		return nil, wrong
	}
	immediate := c.params["ImmediateStart"]
	if immediate != "" && immediate != "0" && immediate != "1" {
		return nil, invalid("ImmediateStart")
	}
	at, err := time.Parse(timeLayout, c.params["SwitchTime"])
	switch {
	case immediate == "1":
	case c.params["SwitchTime"] == "":
		return nil, noParameter
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "InvalidTime.Format", "Specified time is not valid."}
	}
	now := e.now()
	moved := make([]time.Time, len(tasks))
	for n, t := range tasks {
		prepare, _ := interval(t.PrepareInterval)
		deadline, err := time.Parse(timeLayout, t.Deadline)
		if moved[n] = at; immediate == "1" {
			moved[n] = now.Add(prepare)
		}
		switch {
		case t.Status != taskPending:
			return nil, badTaskStatus
		case t.AllowChange != "1":
			return nil, unmodifiable
		case err == nil && moved[n].After(deadline):
			return nil, afterDeadline
		case moved[n].Add(-prepare).Before(now):
			return nil, beforeNow
		}
	}
	for n, t := range tasks {
		t.set(moved[n])
	}
	return object{"Ids": c.params["Ids"]}, nil
}

// cancelActiveOperationTasks cancels all named tasks or none. They must not have started.
func cancelActiveOperationTasks(e *Emulator, c call) (object, *refusal) {
	tasks, wrong := e.tasks(c)
	if wrong != nil {
		return nil, wrong
	}
	for _, t := range tasks {
		begins := t.begins()
		switch {
		case t.Status != taskPending || !begins.IsZero() && e.now().After(begins):
			return nil, badTaskStatus
		case t.AllowCancel != "1":
			return nil, unmodifiable
		}
	}
	for _, t := range tasks {
		t.Status, t.ResultInfo, t.runs = taskCancelled, "userCancel", time.Time{}
	}
	return object{"Ids": c.params["Ids"]}, nil
}

// tasks returns the tasks that a call names in its region, in their present state. The
// caller holds e.mu.
func (e *Emulator) tasks(c call) (named []*task, wrong *refusal) {
	if c.params["Ids"] == "" {
		return nil, noParameter
	}
	for _, text := range strings.Split(c.params["Ids"], ",") {
		id, err := strconv.Atoi(strings.TrimSpace(text))
		t := e.task(c, id)
		if err != nil || t == nil {
			return nil, unmodifiable
		}
		named = append(named, t)
	}
	return named, nil
}

func (e *Emulator) task(c call, id int) *task {
	for _, i := range e.listed(c) {
		for n := range i.tasks {
			if i.tasks[n].ID == id {
				i.settle(e.now())
				return &i.tasks[n]
			}
		}
	}
	return nil
}
