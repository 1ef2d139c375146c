package handler

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Trust says how much the way of a message proves about its sender. The zero value is the
// lowest degree.
type Trust uint8

// The degrees of trust.
const (
	// Weak: the signature does not cover the body, or it contains no time. A weak sender
	// can only cause an Update that is due. The change counts as unattended unless a
	// person confirms it.
	Weak Trust = iota
	// Signed: an HTTP or chat message whose signature covers the body and the time.
	Signed
	// Trusted: the cloud's own access control admitted the sender, or a person uses the
	// command line.
	Trusted
)

// Delivery is a [Request] with the facts about its sender and its way. The same need may
// be delivered any number of times.
type Delivery struct {
	Request
	// OrID is the instance's id if no instance has the id InstanceID; see [Named]. It is
	// "" if there is no doubt. The handler finds the right id before it does anything
	// else.
	OrID  string
	Trust Trust
	// Confirmed says that a person saw exactly this plan in a chat and confirmed it.
	Confirmed bool
	// ApprovedBy is the person who approves the Update of this certificate; see
	// [Approval]. If it is set, the delivery asks to store the approval and not to make a
	// change.
	ApprovedBy string
	// Event is the id of the event that caused the delivery, for the log.
	Event string
	// Order is the first 16 hexadecimal digits of the SHA-256 of a signed message's id;
	// "" for none. An Enable with an Order is carried out once. Other actions do not need
	// an Order.
	Order string
	// Swept says that a sweep chose the instance. A sweep defers an instance if the time
	// is too short, so such a failure is not reported.
	Swept bool
	// Ahead says that a sweep only checks whether it could change the instance. A
	// positive answer is not reported, because the change itself will be reported.
	Ahead bool

	// Moves says that the delivery only asks to move Alibaba's own renewal into a window,
	// whether the certificate is due or not; see [Policy].MovesRenewals.
	Moves bool

	// unpinned says that the request need not name the certificate yet, because the plan
	// names it.
	unpinned bool
	// settled is the answer if it was known when the request was read.
	settled *decision
}

// Deliver makes deliveries of requests that came the same way.
func (t Trust) Deliver(requests ...Request) []Delivery {
	deliveries := make([]Delivery, len(requests))
	for i, r := range requests {
		deliveries[i] = Delivery{Request: r, Trust: t}
	}
	return deliveries
}

// OrderOf computes the Order of a signed message's id.
func OrderOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// Unattended reports whether no person decided on this change, so that the rules for
// automatic changes apply.
func (d Delivery) Unattended() bool { return d.Automatic || d.Trust == Weak && !d.Confirmed }

// Settled reports whether the answer was known when the request was read.
func (d Delivery) Settled() bool { return d.settled != nil }

// Validate reports every rule that the request breaks in one error of kind
// [Invalid].
func (d Delivery) Validate() error {
	if d.settled == nil {
		return d.Request.Validate()
	}
	if d.settled.err == nil {
		return nil // the delivery asks for nothing
	}
	return d.settled.err
}

// Invalidf returns a delivery that [Handler.Handle] answers with a fault of kind
// [Invalid]. In a batch it keeps the place of an unreadable request.
func Invalidf(format string, args ...any) Delivery {
	return invalid(fmt.Sprintf(format, clipped(args)...))
}

// Unreadable returns a delivery that [Handler.Handle] answers with the message of err,
// for example an error of [Decode]. The message may contain only short quotations of the
// sender.
func Unreadable(err error) Delivery { return invalid(AsError(err).Message) }

func invalid(message string) Delivery {
	return Delivery{settled: &decision{outcome: Failed, err: Errorf(Invalid, "%s", message)}}
}

// clipped shortens the texts among the arguments, because a sender may have written them.
func clipped(args []any) []any {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = Clip(s)
		}
	}
	return args
}

// Unchangedf returns a delivery that asks for nothing, with the reason. An example is the
// news that an alert is over.
func Unchangedf(format string, args ...any) Delivery {
	return Delivery{}.Unchangedf(format, args...)
}

// Unchangedf settles the delivery: [Handler.Handle] does nothing and answers with the
// reason.
func (d Delivery) Unchangedf(format string, args ...any) Delivery {
	d.settled = &decision{outcome: Unchanged, reason: fmt.Sprintf(format, clipped(args)...)}
	return d
}

// Refusedf returns a delivery that [Handler.Handle] refuses with the reason.
func Refusedf(format string, args ...any) Delivery {
	d := refuse(format, args...)
	return Delivery{settled: &d}
}
