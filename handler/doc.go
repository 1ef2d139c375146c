// Package handler keeps the TLS certificates of ApsaraDB for Redis / Tair instances
// current. It restarts an instance only if a change needs it.
//
// The API has one call for every change, ModifyInstanceSSL. The call restarts the
// instance. It has no idempotency key, and its effect shows only minutes later. Every
// source of events may deliver an event more than once. So a [Request] states a need, and
// [Handler.Handle] answers it with a [Result] in four steps:
//
//   - read: one [Observation] of the instance's status, tags and certificate through the
//     [API];
//   - decide: a pure function of request, observation, [Policy], lease and time. The
//     result is [Unchanged] if the instance already has the requested state, if the
//     certificate is not due, or if the request is for another certificate
//     (SSLExpiredTime, a compare-and-swap). A change without a person's decision has to
//     pass the [Rule]s in their order. [Handler.Forecast] uses the same rules and says
//     when the change will happen;
//   - act once: a lease in a tag of the instance keeps other processes and clouds away
//     for the minutes in which the change does not show yet. A write whose answer was
//     lost is never sent again;
//   - verify: the handler reads the state until it shows the change, or until the time is
//     up. If the settings ask for it, a TLS handshake has to show the new certificate
//     ([Served]), and the CA is compared ([CAFingerprint]).
//
// Alibaba's own state is the only record. So a need may be delivered any number of times,
// at the same time, to processes that share no memory. A due instance still restarts at
// most once.
//
// A failure is an [Error] with a [Kind]. One table in this package says how HTTP and a
// process answer each outcome and each kind.
package handler
