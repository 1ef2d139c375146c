package tairtest

import (
	"fmt"
	"maps"
	"time"
)

// Options of an [Emulator]; the zero value works.
type Options struct {
	// Keys maps the AccessKey ids to their secrets; default emulator: emulator-secret.
	Keys map[string]string

	// Lag is the time until an accepted change becomes visible; default 2s, negative for
	// none.
	Lag time.Duration
	// LagMin, if less than Lag, makes the delay of each change random between LagMin and
	// Lag; default Lag, negative for 0.
	LagMin time.Duration
	// ChangeTime is how long an instance is SSLModifying after the lag; default 5s, negative for
	// none.
	ChangeTime time.Duration
	// TagLag is the time until a tag that was set or removed becomes visible; default
	// none.
	TagLag time.Duration
	// TagLagMin, if less than TagLag, makes the delay of each tag random between TagLagMin
	// and TagLag; default TagLag, negative for 0.
	TagLagMin time.Duration
	// StaleReads makes DescribeInstanceSSL and every InstanceStatus show an old state. Its
	// age is drawn for each read and is at most StaleReads; default none.
	StaleReads time.Duration

	// Central lets a call by id find the instances of all regions that share the central
	// endpoint, if its RegionId is one of these regions. Without Central an instance
	// answers in its own region only.
	Central bool
	// NoQuotas lifts the published quotas.
	NoQuotas bool
	// ExistenceFirst makes the emulator look for the instance before it asks the policy.
	// Without it, a call that is not allowed is denied even if the instance does not
	// exist. The order in the real gateway is not documented.
	ExistenceFirst bool
	// Latency is added to every answer of the API, for benchmarks.
	Latency time.Duration

	// Now is the machine's clock; default time.Now. The timestamps of requests and the
	// quotas follow it.
	Now func() time.Time
	// DateSkew is the header Date of the API's answers minus the emulated clock.
	DateSkew time.Duration
	// Seed starts the random numbers. 0 takes a seed from the clock and writes it to Logf.
	Seed uint64
	// Logf, if set, gets a line for each API call.
	Logf func(format string, args ...any)
}

// withDefaults fills in the defaults and checks the options.
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

// drawn returns a random duration between two. The caller holds e.mu.
func (e *Emulator) drawn(least, most time.Duration) time.Duration {
	if least >= most {
		return most
	}
	return least + time.Duration(e.chance.Int64N(int64(most-least)+1))
}
