// Package rehearsal renews the certificate of a test instance once, and measures
// what no document says: how soon a tag shows, how soon the effect of a change, how
// long connections are gone.
//
// [Run] goes through these steps. Each writes rows into a [Record]:
//
//   - it sets a measuring tag some times and reads until it shows;
//   - it looks at the instance, and pings it over TLS if it can be reached;
//   - it has the handler make the change, as any other: by a lease, once. So a
//     rehearsal restarts the instance at most once, whatever happens;
//   - it watches until the change is complete, or the time is up.
//
// The rest are pure functions over these rows: [Record.Effect] and
// [Record.Connections] say what was measured, and [Advise] which settings follow
// from that. An interrupt ends a rehearsal at each step. It leaves nothing behind
// but the flag of the lease.
package rehearsal
