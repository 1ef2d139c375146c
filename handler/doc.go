// Package handler keeps the TLS certificates of ApsaraDB for Redis / Tair
// instances current, and touches no instance more often than it must.
//
// The API has one call for it, ModifyInstanceSSL. It restarts the instance, it
// has no idempotency key, and its effect shows only minutes later, while every
// event source delivers more than once. So a [Request] is not a call but a
// need, and [Handler.Handle] answers it with a [Result] in four steps:
//
//   - read: one [Observation] of the instance's status, tags and certificate
//     through the [API];
//   - decide: a pure function of request, observation, [Policy], lease and
//     time. What is so already, not due, or was meant for another certificate
//     (SSLExpiredTime, a compare-and-swap) ends [Unchanged]; what no person
//     decided on waits by the [Rule]s, in their order, and [Handler.Forecast]
//     asks the same rules when it will happen;
//   - act once: a lease in the instance's own tag keeps other processes and
//     clouds away for the minutes in which nothing shows yet, and a write
//     whose answer was lost is never sent again;
//   - verify: the state is read back until the change has come true or the
//     time is up. Where it is asked for, a TLS handshake has to show the new
//     certificate ([Served]), and the CA is compared ([CAFingerprint]).
//
// Alibaba's own state is the only ledger, so the same need may be delivered
// any number of times, at once, by processes that know nothing of each other:
// a due instance restarts at most once.
//
// Failures are [Error] values with a [Kind]; one table in this package says
// how each outcome and kind is answered over HTTP and by a process.
package handler
