// Package tairtest emulates the cloud that tairssl works on, on the wire: the
// RPC-style OpenAPI of ApsaraDB for Redis / Tair (R-kvstore, 2015-01-01) with
// its signatures, codes and bodies, and for each instance a Redis server over
// TLS whose certificate really changes.
//
// An accepted change does not show for [Options].Lag, and a second write during
// it is accepted and counted as another restart, as the real service may do.
// Then the instance is SSLModifying for [Options].ChangeTime. The emulated
// clock, moved by [Emulator.Advance], drives what happens to instances; request
// timestamps are held against the machine's own clock.
//
// An [Emulator] is an http.Handler: the OpenAPI is at /, by GET or POST. Its
// controls take no credentials, so it belongs on a loopback address only; they
// speak JSON, and answer bad input with 400 {"Error":"…"}:
//
//	GET  /emulator/instances  every Instance, with Restarts and DataPlane
//	POST /emulator/instances  one Instance or an array: adds or replaces, answers all
//	GET  /emulator/clock      {"Now":"2026-12-01T00:00:00Z"}
//	POST /emulator/clock      {"Advance":"1h"}, a Go duration
//	GET  /emulator/faults     the pending ones, each a Fault
//	POST /emulator/faults     {"Action":"ModifyInstanceSSL","Kind":"throttle","Times":1}; Times defaults to 1
//	GET  /emulator/calls      {"DescribeInstanceSSL":12}, the authentic calls by action
//	POST /emulator/policy     a policy of RAM, by which calls are allowed from then on
//	GET  /emulator/ca.pem     the authority of every certificate here
//
// The first 1,000 instances have a data plane. A restart ends its open
// connections when the emulator next looks at the instance, by a call, a new
// connection or a method, as no timer runs for it.
//
// The wire follows Alibaba Cloud's documentation of the RPC request structure,
// signature 1.0 and common error codes, and R-kvstore's API reference.
//
// Of STS there is GetCallerIdentity alone. Not emulated: XML answers, signature
// version 3, other products, paging by token, and quotas other than those of
// tags. All data planes share one set of keys.
package tairtest
