package tairtest

import "strconv"

// describeActiveOperationTasks lists the tasks of one region. Region narrows
// the call's own; "all" stands for that.
func describeActiveOperationTasks(e *Emulator, c call) (object, *refusal) {
	size, page, wrong := c.page(25, 100)
	if wrong != nil {
		return nil, wrong
	}
	p := c.params
	total, rows := 0, []object{}
	for _, i := range e.sorted {
		if i.RegionID != c.region || p["InsName"] != "" && p["InsName"] != i.InstanceID || p["Region"] != "" && p["Region"] != "all" && p["Region"] != i.RegionID {
			continue
		}
		for n, t := range i.ActiveOperationTasks {
			if typ, status := p["TaskType"], p["Status"]; typ != "" && typ != "all" && typ != t.TaskType || status != "" && status != "-1" && status != strconv.Itoa(t.Status) {
				continue
			}
			if total >= (page-1)*size && len(rows) < size {
				rows = append(rows, object{"Id": n + 1, "TaskId": strconv.Itoa(n + 1), "InsName": i.InstanceID, "InstanceId": i.InstanceID, "Region": i.RegionID, "RegionId": i.RegionID,
					"DbType": "redis", "TaskType": t.TaskType, "Status": t.Status, "StartTime": t.StartTime, "SwitchTime": t.SwitchTime, "Deadline": t.Deadline})
			}
			total++
		}
	}
	return object{"Items": rows, "TotalRecordCount": total, "PageNumber": page, "PageSize": size}, nil
}
