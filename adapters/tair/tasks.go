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
	// renewalTask is the type of task by which Alibaba renews a certificate itself.
	renewalTask = "rds_apsaradb_ssl_update"
	// taskPage is how many tasks a page of DescribeActiveOperationTasks holds at most.
	taskPage = 100
	// maxTaskPages bounds the reading of a list that does not end.
	maxTaskPages = 100
)

// Schedule calls DescribeActiveOperationTasks, for each page once. What has ended
// stays listed for long, so of a whole region only what is yet to come is asked for.
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

// anyStatus asks for tasks in every status.
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

// renewalOf reads a row. A time that cannot be read is one that is not known.
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
		r.At = r.Deadline // it has to run by then
	}
	return r
}

// taskTime reads a time of a task, zero if it cannot. The API's own examples also
// have times without a zone, which are UTC, as its pages say of all of them.
func taskTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04Z"} {
		if t, err := time.Parse(layout, text); err == nil {
			return handler.At(t).Time
		}
	}
	return time.Time{}
}

// Move calls ModifyActiveOperationTasks, once.
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
