package tairtest

import (
	"fmt"
	"maps"
	"time"
)

// Options of an [Emulator]; the zero value works.
type Options struct {
	// Keys are the secrets by AccessKey id; default emulator: emulator-secret.
	Keys map[string]string

	// Lag is how long an accepted change does not show; default 2s, negative none.
	Lag time.Duration
	// LagMin spreads it: each change shows after a time drawn between LagMin and
	// Lag. Default Lag, which spreads nothing; negative none.
	LagMin time.Duration
	// ChangeTime is how long an instance is then SSLModifying; default 5s, negative none.
	ChangeTime time.Duration
	// TagLag is how long a tag that was set or removed does not show; default none.
	TagLag time.Duration
	// TagLagMin spreads it: each key shows after a time drawn between TagLagMin
	// and TagLag. Default TagLag, which spreads nothing; negative none.
	TagLagMin time.Duration
	// StaleReads lets DescribeInstanceSSL and every InstanceStatus be served as
	// they were up to that long ago, drawn anew for each read; default none.
	StaleReads time.Duration

	// Central lets a call by id find the instances of all regions that share the
	// central endpoint, if its RegionId is one of them. Otherwise an instance
	// answers in its own region alone.
	Central bool
	// NoQuotas lifts the published quotas.
	NoQuotas bool
	// ExistenceFirst looks for the instance before it asks the policy; otherwise a
	// call that is not allowed is denied whether or not the instance is there.
	// Which of them the real gateway does is documented nowhere.
	ExistenceFirst bool
	// Latency is added to every answer of the API, for benchmarks.
	Latency time.Duration

	// Now is the machine's clock; default time.Now. Timestamps of requests and
	// quotas are judged by it.
	Now func() time.Time
	// DateSkew is by how much the header Date of the API's answers is ahead of the
	// emulated clock; negative behind.
	DateSkew time.Duration
	// Seed is that of everything drawn by chance. 0 takes one from the clock and
	// tells it by Logf.
	Seed uint64
	// Logf, if set, gets a line for each API call.
	Logf func(format string, args ...any)
}

// withDefaults completes the options, or says what is wrong with them.
func (o Options) withDefaults() (Options, error) {
	if o.Keys = maps.Clone(o.Keys); len(o.Keys) == 0 {
		o.Keys = map[string]string{"emulator": "emulator-secret"}
	}
	o.Lag, o.ChangeTime = withDefault(o.Lag, 2*time.Second), withDefault(o.ChangeTime, 5*time.Second)
	o.LagMin = withDefault(o.LagMin, o.Lag)
	o.TagLag, o.StaleReads = max(o.TagLag, 0), max(o.StaleReads, 0)
	o.TagLagMin = withDefault(o.TagLagMin, o.TagLag)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Seed == 0 {
		o.Seed = uint64(o.Now().UnixNano())
		o.Logf("the seed is %d", o.Seed)
	}
	switch {
	case o.LagMin > o.Lag:
		return o, fmt.Errorf("the option LagMin is %s, more than the Lag of %s", o.LagMin, o.Lag)
	case o.TagLagMin > o.TagLag:
		return o, fmt.Errorf("the option TagLagMin is %s, more than the TagLag of %s", o.TagLagMin, o.TagLag)
	}
	return o, nil
}

func withDefault(d, otherwise time.Duration) time.Duration {
	switch {
	case d < 0:
		return 0
	case d == 0:
		return otherwise
	}
	return d
}

// drawn is a time between two, by chance; e.mu is held.
func (e *Emulator) drawn(least, most time.Duration) time.Duration {
	if least >= most {
		return most
	}
	return least + time.Duration(e.chance.Int64N(int64(most-least)+1))
}
