// Package rehearsal renews the certificate of a test instance once, and measures
// times that Alibaba does not document: when a new tag becomes visible, when the
// effect of a change becomes visible, and how long connections fail.
//
// [Run] makes these steps. Each writes rows into a [Record]:
//
//   - It sets a measuring tag several times and reads until the tag is visible.
//   - It reads the instance repeatedly, and pings it over TLS if it is reachable.
//   - The handler makes the change like any other change: with a lease, once. So a
//     rehearsal restarts the instance at most once.
//   - It watches until the change is complete or the time limit is reached.
//
// The rest are pure functions over these rows: [Record.Effect] and
// [Record.Connections] return the measured times, and [Advise] the settings that
// follow from them. An interrupt ends a rehearsal at any step. After it only the
// lease's flag of a change that was sent is left on the instance.
package rehearsal
