// Package storm tests the promise of this project from end to end: however often,
// at whatever time and by whatever trigger a need is delivered, it causes at most one
// restart, and every due certificate is renewed.
//
// The tests run several processes of both real binaries, each under the local copy of
// its cloud's runtime (see [tairssl/adapters/cli/localruntime]). All processes share
// one emulated OpenAPI (see [tairssl/adapters/tair/tairtest]).
//
// # The storm
//
// A third of a fleet is due. Each need is delivered five times, by different triggers,
// half of the needs nearly at the same time. Instances that are not due get
// deliveries, too, and sweeps run in between. The API throttles, fails and cuts
// connections, before and after a call takes effect. It shows tags late and returns
// stale certificates. Processes are killed and stopped in the middle of a call, and
// run out of time. Failed deliveries are repeated, as the platforms do. Between the
// waves of the storm minutes or hours pass.
//
// Then it is calm: a sweep runs every hour until nothing is due. The verdict counts
// the restarts of every instance. These are failures: a second restart, a due
// instance without a restart, and a restart of an instance that was not due. The
// report shows every call for such an instance.
//
// During a wave the emulated clock moves on by less than five minutes. The machine's
// clock, by which callers sign, does not move with it. With a larger step the API could
// not refuse a write that was signed too late.
//
// # The scenarios
//
// The other tests measure how many instances are renewed with slow calls, with tags
// that become visible late, with little time, or with little room for a tag.
// Scenarios that take half a minute run only with -storm.long; -v shows the figures.
package storm
