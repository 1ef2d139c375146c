package tair

import (
	"context"
	"strconv"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/handler"
)

const (
	// renewalTask is the type of the task with which Alibaba itself renews a certificate.
	renewalTask = "rds_apsaradb_ssl_update"
	// taskPage is the largest number of tasks on a page of DescribeActiveOperationTasks.
	taskPage = 100
	// maxTaskPages bounds the number of pages, in case the API's list never ends.
	maxTaskPages = 100
)

// Schedule calls DescribeActiveOperationTasks once for each page. For a whole region it
// asks only for pending and running tasks, because tasks that have ended stay in the list
// for a long time.
func (c *Client) Schedule(ctx context.Context, ref handler.Ref) (all []handler.Renewal, err error) {
	statuses := []handler.RenewalStatus{anyStatus}
	if ref.InstanceID == "" {
		statuses = []handler.RenewalStatus{handler.RenewalPending, handler.RenewalRunning}
	}
	for _, status := range statuses {
		for page, more := 1, true; more && page <= maxTaskPages; page++ {
			var some []handler.Renewal
			if some, more, err = c.renewals(ctx, ref, status, page); err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
	}
	return all, nil
}

// anyStatus asks for tasks of every status.
const anyStatus handler.RenewalStatus = -1

func (c *Client) renewals(ctx context.Context, ref handler.Ref, status handler.RenewalStatus, page int) (found []handler.Renewal, more bool, err error) {
	found, err = again(ctx, func() (found []handler.Renewal, err error) {
		req := kvstore.CreateDescribeActiveOperationTasksRequest()
		req.InsName, req.TaskType, req.Region = ref.InstanceID, renewalTask, ref.RegionID
		req.Status, req.PageNumber, req.PageSize = requests.NewInteger(int(status)), requests.NewInteger(page), requests.NewInteger(taskPage)
		answer, err := call(ctx, c, c.to(ref.RegionID), req, (*kvstore.Client).DescribeActiveOperationTasks)
		if err == nil && answer.content.RequestId == "" {
			err = malformed("DescribeActiveOperationTasks")
		}
		if err != nil {
			return nil, err
		}
		more = len(answer.content.Items) > 0 && page*taskPage < answer.content.TotalRecordCount
		for _, task := range answer.content.Items {
			if task.TaskType == renewalTask && (ref.InstanceID == "" || task.InsName == ref.InstanceID) {
				found = append(found, renewalOf(ref.RegionID, task))
			}
		}
		return found, nil
	})
	return found, more, err
}

// renewalOf turns a task into the handler's form. A time that is unreadable counts as
// unknown.
func renewalOf(region string, task kvstore.ItemsItem) handler.Renewal {
	r := handler.Renewal{
		Ref: handler.Ref{RegionID: region, InstanceID: task.InsName}, Status: handler.RenewalStatus(task.Status),
		Begins: taskTime(task.StartTime), At: taskTime(task.SwitchTime), Deadline: taskTime(task.Deadline), Fixed: task.AllowChange == "0",
	}
	if task.Id > 0 {
		r.ID = strconv.Itoa(task.Id)
	}
	if t, err := time.Parse(time.TimeOnly, task.PrepareInterval); err == nil {
		r.Lead = t.Sub(t.Truncate(24 * time.Hour))
	}
	switch {
	case !r.At.IsZero():
	case !r.Begins.IsZero():
		r.At = r.Begins.Add(r.Lead)
	default:
		r.At = r.Deadline // the task has to run by then
	}
	return r
}

// taskTime reads the time of a task, or returns zero. The API's examples also have times
// without a zone. According to the API's pages, all times are UTC.
func taskTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04Z"} {
		if t, err := time.Parse(layout, text); err == nil {
			return handler.At(t).Time
		}
	}
	return time.Time{}
}

// Move calls ModifyActiveOperationTasks once.
func (c *Client) Move(ctx context.Context, r handler.Renewal, to, signBy time.Time) error {
	req := kvstore.CreateModifyActiveOperationTasksRequest()
	req.Ids, req.SwitchTime, req.ImmediateStart = r.ID, handler.At(to).String(), requests.NewInteger(0)
	way := c.to(r.RegionID)
	way.timeout, way.signBy = writeTimeout, &signBy
	answer, err := call(ctx, c, way, req, (*kvstore.Client).ModifyActiveOperationTasks)
	if err == nil && answer.content.RequestId == "" {
		e := malformed("ModifyActiveOperationTasks")
		e.Uncertain = true
		return e
	}
	return err
}
