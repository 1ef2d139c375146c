package rehearsal

import (
	"context"
	"time"

	"tairssl/handler"
)

// recorded is an API that records every call in the log.
type recorded struct {
	handler.API
	log *log
}

// note records a finished call.
func (r recorded) note(action string, began time.Time, err error) {
	c := Call{Action: action, Began: began, Took: time.Since(began)}
	if err != nil {
		c.Kind = handler.AsError(err).Kind
	}
	r.log.write(func(rows *Record) { rows.Calls = append(rows.Calls, c) })
}

func (r recorded) Instance(ctx context.Context, ref handler.Ref) (i handler.Instance, err error) {
	defer func(began time.Time) { r.note("DescribeInstanceAttribute", began, err) }(time.Now())
	return r.API.Instance(ctx, ref)
}

func (r recorded) SSL(ctx context.Context, ref handler.Ref) (ssl handler.SSL, err error) {
	defer func(began time.Time) { r.note("DescribeInstanceSSL", began, err) }(time.Now())
	return r.API.SSL(ctx, ref)
}

// Modify also records when the change was sent and when it was answered.
func (r recorded) Modify(ctx context.Context, ref handler.Ref, action handler.Action, signBy time.Time) (receipt handler.Receipt, err error) {
	began := time.Now()
	r.log.write(func(rows *Record) { rows.Sent = began })
	r.log.mark("ModifyInstanceSSL is sent")
	receipt, err = r.API.Modify(ctx, ref, action, signBy)
	r.note("ModifyInstanceSSL", began, err)
	switch {
	case err == nil:
		r.log.write(func(rows *Record) { rows.Answered = time.Now() })
		r.log.mark("ModifyInstanceSSL is accepted, as task %s", receipt.TaskID)
	case !handler.AsError(err).Uncertain: // the API certainly did nothing
		r.log.write(func(rows *Record) { rows.Sent = time.Time{} })
		r.log.mark("ModifyInstanceSSL is refused: %s", handler.AsError(err).Message)
	default:
		r.log.mark("ModifyInstanceSSL has no clear answer: %s", handler.AsError(err).Message)
	}
	return receipt, err
}

// Tag also records the key of the lease's flag.
func (r recorded) Tag(ctx context.Context, ref handler.Ref, key, value string) (err error) {
	defer func(began time.Time) { r.note("TagResources", began, err) }(time.Now())
	if key != measuringTag {
		r.log.write(func(rows *Record) { rows.Flag = key })
	}
	return r.API.Tag(ctx, ref, key, value)
}

func (r recorded) Untag(ctx context.Context, ref handler.Ref, keys ...string) (err error) {
	defer func(began time.Time) { r.note("UntagResources", began, err) }(time.Now())
	if err = r.API.Untag(ctx, ref, keys...); err == nil {
		r.log.write(func(rows *Record) {
			for _, key := range keys {
				if key == rows.Flag {
					rows.Flag = ""
				}
			}
		})
	}
	return err
}
