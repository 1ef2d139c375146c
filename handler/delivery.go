package handler

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Trust says how much the way in proves of the sender. The zero value is the
// least.
type Trust uint8

// The degrees of trust.
const (
	// Weak: the signature does not cover the body, or has no time in it. A weak
	// sender can ask for nothing but an Update that is due, and nobody decided
	// on it unless it is confirmed.
	Weak Trust = iota
	// Signed: an HTTP or chat message whose signature covers body and time.
	Signed
	// Trusted: the cloud's own access control let the sender in, or somebody
	// uses the command line.
	Trusted
)

// Delivery is a [Request] as it reached the handler, with all that the request
// itself does not say. The same need may be delivered any number of times.
type Delivery struct {
	Request
	// OrID is the instance's id if there is no instance of InstanceID, as of
	// [Named]; "" if there is no doubt. It is settled before anything else.
	OrID  string
	Trust Trust
	// Confirmed says that a person saw this very plan in a chat and confirmed it.
	Confirmed bool
	// ApprovedBy, if it is set, is who approves: the delivery asks for no change, but
	// to remember that this person agreed to the Update of this certificate. See
	// [Approval].
	ApprovedBy string
	// Event is the id of the event that asks, for the log.
	Event string
	// Order is the first 16 hexadecimal digits of the SHA-256 of a signed
	// message's id; "" for none. An Enable with an Order is carried out once. Other
	// actions do not need it.
	Order string
	// Swept says that a sweep chose the instance. A sweep defers what lacks the
	// time, so that is no decision to tell.
	Swept bool
	// Ahead says that a sweep only looks whether it could change the instance. That
	// it could is not reported: the change itself will be.
	Ahead bool

	// Moves says that a sweep saw that Alibaba has scheduled to renew the certificate
	// itself. The delivery asks for nothing but to move that where it has to be, due or
	// not, as [Policy].MovesRenewals says.
	Moves bool

	// unpinned says that the certificate need not be named yet: a plan names it.
	unpinned bool
	// settled is the answer that was known when the request was read.
	settled *decision
}

// Deliver makes deliveries of requests that all came the same way.
func (t Trust) Deliver(requests ...Request) []Delivery {
	deliveries := make([]Delivery, len(requests))
	for i, r := range requests {
		deliveries[i] = Delivery{Request: r, Trust: t}
	}
	return deliveries
}

// OrderOf is the Order of a signed message's id.
func OrderOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// Unattended reports that no person decided on this change, so the rules for
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
		return nil // it asks for nothing
	}
	return d.settled.err
}

// Invalidf returns a delivery that [Handler.Handle] answers with a fault of kind
// [Invalid]. It keeps the place of what could not be read in a batch.
func Invalidf(format string, args ...any) Delivery {
	return invalid(fmt.Sprintf(format, clipped(args)...))
}

// Unreadable stands for a request that could not be read. It is answered with
// all of what err, an error of [Decode] for one, says. Such errors quote a
// sender briefly.
func Unreadable(err error) Delivery { return invalid(AsError(err).Message) }

func invalid(message string) Delivery {
	return Delivery{settled: &decision{outcome: Failed, err: Errorf(Invalid, "%s", message)}}
}

// clipped bounds the texts among what is quoted: a sender may have written them.
func clipped(args []any) []any {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = Clip(s)
		}
	}
	return args
}

// Unchangedf returns a delivery that asks for nothing, for the given reason:
// the news that an alert is over, for one.
func Unchangedf(format string, args ...any) Delivery {
	return Delivery{}.Unchangedf(format, args...)
}

// Unchangedf returns the delivery settled: [Handler.Handle] does nothing for it,
// for the given reason.
func (d Delivery) Unchangedf(format string, args ...any) Delivery {
	d.settled = &decision{outcome: Unchanged, reason: fmt.Sprintf(format, clipped(args)...)}
	return d
}

// Refusedf returns a delivery that is refused for the given reason.
func Refusedf(format string, args ...any) Delivery {
	d := refuse(format, args...)
	return Delivery{settled: &d}
}
