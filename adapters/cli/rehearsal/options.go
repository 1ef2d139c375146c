package rehearsal

import (
	"time"

	"tairssl/handler"
)

// Options of a rehearsal. API, Settings, Ref, Before and Change are needed.
type Options struct {
	API      handler.API
	Settings handler.Options // of the handler that makes the change
	Ref      handler.Ref
	Before   handler.Observation
	// Change is the forced Update, pinned to the certificate of Before.
	Change handler.Delivery
	Prober Prober                // nil: connections are not measured
	CA     handler.CAFingerprint // nil: it is not compared
	Tell   func(Mark)            // is told what happens, as it does; default nobody

	TagRounds int           // how many tags are set, one after the other; default 10
	Poll      time.Duration // between two looks at the instance; default 500ms
	PingEvery time.Duration // between two connections; default 200ms
	Settle    time.Duration // how long nothing may move at the end; default 5s
	Quiet     time.Duration // the same where no restart was seen; default 5m
	Limit     time.Duration // of it all; default 30m
}

const (
	// measuringTag is set to see how soon a tag shows. It is removed again.
	measuringTag = "tairssl-rehearsal"
	// cleanTimeout is for removing it, also after an interrupt.
	cleanTimeout = 5 * time.Second
	// pingTimeout is how long one connection may take.
	pingTimeout = 2 * time.Second
)

// DefaultLimit bounds a rehearsal.
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
