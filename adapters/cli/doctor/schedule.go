package doctor

import (
	"errors"
	"time"

	"tairssl/handler"
)

// noTask is no id of a task: they are numbers of seven digits or so.
const noTask = "9223372036854775807"

// moves asks whether ModifyActiveOperationTasks is allowed, if Alibaba's own renewals
// are to be moved, for a task that is not there and a time that is long past: each of
// them would be refused alone. RAM knows no resource of this action but all of them,
// so no policy can name what it allows, and a denial is one of the right.
func (x *examination) moves(region string) []Finding {
	const action = "ModifyActiveOperationTasks"
	if x.settings.AlibabaRenewal != "window" || x.barred(region) != "" {
		return nil
	}
	ref := handler.Ref{RegionID: region, InstanceID: "*"}
	err := x.client.Move(x.ctx, handler.Renewal{Ref: ref, ID: noTask}, time.Unix(0, 0), soon())
	switch {
	case err == nil:
		return []Finding{unknown(Permission, action, "taken, for a task that is not there", "")}
	case denied(err) || !errors.Is(err, handler.Unsupported):
		f := x.right(action, ref, err, "")
		if f.State == Failed {
			f.Fix += "; without it people are only told when Alibaba restarts an instance outside the window"
		}
		return []Finding{f}
	}
	return []Finding{pass(Permission, action, "for a task that is not there, and refused as such")}
}
