package rehearsal

import (
	"time"

	"tairssl/handler"
)

// Options are those of a rehearsal. API, Settings, Ref, Before and Change are
// required.
type Options struct {
	API      handler.API
	Settings handler.Options // of the handler that makes the change
	Ref      handler.Ref
	Before   handler.Observation // the state before the change
	// Change is a forced Update for exactly the certificate in Before.
	Change handler.Delivery
	Prober Prober                // nil if connections are not measured
	CA     handler.CAFingerprint // nil if the CA is not compared
	Tell   func(Mark)            // receives each event when it happens; may be nil

	TagRounds int           // the number of measuring tags, one after the other; default 10
	Poll      time.Duration // the time between two reads of the instance; default 500ms
	PingEvery time.Duration // the time between two new connections; default 200ms
	Settle    time.Duration // the time without a change before the end; default 5s
	Quiet     time.Duration // Settle if no sign of a restart was seen; default 5m
	Limit     time.Duration // the time limit of the rehearsal; default 30m
}

const (
	// measuringTag is the key of the tag that measures how soon reads show a new tag.
	measuringTag = "tairssl-rehearsal"
	// cleanTimeout is the time limit for removing that tag, even after an interrupt.
	cleanTimeout = 5 * time.Second
	// pingTimeout is the time limit of one connection.
	pingTimeout = 2 * time.Second
)

// DefaultLimit is the default time limit of a rehearsal.
const DefaultLimit = 30 * time.Minute

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value     *time.Duration
		otherwise time.Duration
	}{{&o.Poll, 500 * time.Millisecond}, {&o.PingEvery, 200 * time.Millisecond}, {&o.Settle, 5 * time.Second}, {&o.Quiet, 5 * time.Minute}, {&o.Limit, DefaultLimit}} {
		if *d.value <= 0 {
			*d.value = d.otherwise
		}
	}
	if o.TagRounds <= 0 {
		o.TagRounds = 10
	}
	if o.Tell == nil {
		o.Tell = func(Mark) {}
	}
	return o
}
