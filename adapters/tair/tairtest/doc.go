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
// An [Emulator] is an http.Handler: the OpenAPI is at /, its controls are below
// /emulator/. They take no credentials, so it belongs on a loopback address.
//
// Not emulated: XML answers, signature version 3, other products, paging by
// token, RAM policies, and quotas other than those of tags. All data planes
// share one set of keys.
package tairtest
