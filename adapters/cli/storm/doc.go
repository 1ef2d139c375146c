// Package storm tests the promise of this project from end to end: however
// often, wherever and through whatever a need is delivered, it causes at most
// one restart, and no certificate that is due is lost.
//
// The tests run the functions as they are deployed: several processes of both
// real binaries, each under the local copy of its cloud's runtime (see
// [tairssl/adapters/cli/localruntime]), over one emulated OpenAPI (see
// [tairssl/adapters/tair/tairtest]).
//
// # The storm
//
// A third of a fleet is due. Each need is delivered five times, by triggers of
// different kinds, partly in one moment; the other instances are asked for as
// well. Beside the deliveries, sweeps run. The API throttles, fails and cuts
// connections, before and after a call took effect, shows tags late and
// certificates as they were. Processes are killed and stopped in the middle of a
// call, and run out of time. What fails is delivered again, as the platforms do.
// Between the waves of the storm, minutes or hours pass.
//
// Then it is calm: hours pass, and a sweep runs in each of them, until nothing
// is due. The verdict counts the restarts of every instance. A second one, a due
// instance without one, and one of an instance that was not due are failures,
// reported with all that was done to the instance.
//
// An attempt never lasts longer than five minutes here by the emulated clock,
// which moves on during a wave: callers sign by the machine's clock, which does
// not move with it, so that the API could not refuse what was signed too late.
//
// # The scenarios
//
// The other tests measure how much is renewed where calls are slow, tags show
// late, the time is short, or there is hardly room for a tag. Those that take
// half a minute run with -storm.long; -v shows the figures.
package storm
