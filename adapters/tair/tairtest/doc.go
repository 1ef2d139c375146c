// Package tairtest emulates the cloud that tairssl works on, on the wire: the
// RPC-style OpenAPI of ApsaraDB for Redis / Tair (R-kvstore, 2015-01-01) with
// its signatures, codes and bodies, and for each instance a Redis server over
// TLS whose certificate really changes. It is as strict as the real service,
// and misbehaves on order.
//
// # Changes
//
// An accepted change does not show for [Options].Lag, and a second write during
// it is accepted and counted as another restart, as the real service may do.
// Then the instance is SSLModifying for [Options].ChangeTime. Changes are
// carried out one after the other. The first 1,000 instances have a data plane,
// which speaks Redis for every type. A restart ends its open connections when
// the emulator next looks at the instance, by a call, a new connection or a
// method, as no timer runs for it.
//
// # Clocks
//
// The emulated clock, moved by [Emulator.Advance], drives the instances, their
// tags, their tasks and the header Date of the API's answers, which
// [Emulator.SkewDate] sets wrong. The timestamps of requests and the quotas are
// judged by the machine's own clock, because callers sign by theirs, which no
// test can move.
//
// # Regions
//
// An instance answers only in its own region. The real service finds an
// instance by the endpoint's host. All regions share a host here, so the
// parameter RegionId stands for it. If the host is a name of the real service,
// led here by a proxy, it must serve that region. A call without RegionId is
// one of the region that its host names, or of cn-hangzhou; the actions on tags
// refuse it, and so does DescribeInstances with a Tag. With [Options].Central a
// call by id also finds the instances of the other regions that share the
// central endpoint. Listings, DescribeActiveOperationTasks among them, never do.
//
// # Tags
//
// A key that was set or removed shows after [Options].TagLag, each at its own
// moment if TagLagMin is less. What has shown never gives way to something
// older. An instance takes 20 tags. [Emulator.TagPolicy] forbids keys.
//
// # Tasks
//
// An instance may have tasks that Alibaba itself has scheduled. A pending one runs
// when the emulated clock passes its SwitchTime, and is in progress from its
// StartTime on, which is PrepareInterval earlier. A renewal
// (rds_apsaradb_ssl_update) then changes the certificate as ModifyInstanceSSL
// does, with a restart that counts; it fails where the instance does not run or
// its encryption is off. Other types end without an effect.
// ModifyActiveOperationTasks moves pending tasks whose AllowChange is 1, to a
// SwitchTime that is not after the Deadline and leaves the time to prepare, or with
// ImmediateStart to now. CancelActiveOperationTasks takes those that have not
// begun and whose AllowCancel is 1. Both do all that they name, or nothing.
//
// # Misbehaviour on order
//
// A [Fault] strikes the next calls of an action or a share of all.
// [Emulator.StaleReads] serves DescribeInstanceSSL and every InstanceStatus as
// they were a while ago; tags, and the states by which writes are judged, are
// always fresh. The published quotas are in force: DescribeInstanceAttribute
// 1000 in 1 s, ListTagResources 100 in 1 s, TagResources and each of the three
// actions on tasks 200 in 60 s, for each region. [Emulator.Quota] changes them and
// sets others. A call that its quota refuses counts for
// nothing. What is drawn by chance is repeated by [Options].Seed, if the calls
// come in the same order.
//
// # Controls
//
// An [Emulator] is an http.Handler: the OpenAPI is at /, by GET or POST. Its
// controls take no credentials, so it belongs on a loopback address only; they
// speak JSON, and answer bad input with 400 {"Error":"…"}. Each answers a POST
// as it answers a GET:
//
//	/emulator/instances       GET: every Instance, with Restarts, Changes and DataPlane
//	                          POST: one Instance or an array, added or replaced
//	/emulator/clock           GET: {"Now":"2026-12-01T00:00:00Z","Skew":"0s"}
//	                          POST: {"Advance":"1h"}, a Go duration, or {"Skew":"8m"}, or both
//	/emulator/faults          GET: the pending ones, each a Fault
//	                          POST: {"Action":"ModifyInstanceSSL","Kind":"throttle","Times":1}, or with
//	                          "Share":0.1; without both, Times is 1
//	/emulator/quotas          GET: {"TagResources":{"Calls":200,"Window":"1m0s","Throttled":0}}, by action
//	                          POST: {"Action":"TagResources","Calls":20,"Window":"1m"}; {"Action":"*","Calls":0} lifts all
//	/emulator/stale-reads     GET and POST: {"StaleReads":"10m"}; "0s" for none
//	/emulator/stale-serving   GET and POST: {"StaleServing":"10m"}; "0s" for none
//	/emulator/ca              GET: {"SHA256":"…","Rotations":0}, of the authority of all changes to come
//	                          POST: {"Rotate":true}
//	/emulator/tag-policy      GET and POST: {"Keys":["tairssl-*"]}; [] for none
//	/emulator/policy          POST: a policy of RAM, by which calls are allowed from then on
//	/emulator/calls           GET: {"DescribeInstanceSSL":12}, the authentic calls by action
//	/emulator/ca.pem          GET: the authority of the https address
//
// The CertDownloadURL of an instance leads to /emulator/ca/ID/ApsaraDB-CA-Chain.zip.
//
// # What is not emulated
//
// The wire follows Alibaba Cloud's documentation of the RPC request structure,
// signature 1.0 and common error codes, and R-kvstore's API reference. Of STS
// there is GetCallerIdentity alone. Not emulated are XML answers, signature
// version 3, other products, paging by token, and filters of DescribeInstances
// other than RegionId, InstanceIds, InstanceStatus, SearchKey, GlobalInstance and
// Tag, which are ignored.
// A region that does not exist is one without instances. A Released instance
// stays in listings. Memcache rows have no TLS, but their data plane speaks
// Redis. All data planes share one set of keys.
package tairtest
