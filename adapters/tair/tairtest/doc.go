// Package tairtest emulates the cloud that tairssl works on. It speaks the real wire: the
// RPC-style OpenAPI of ApsaraDB for Redis / Tair (R-kvstore, 2015-01-01) with its
// signatures, codes and bodies. Each instance also has a Redis server over TLS whose
// certificate really changes. The emulator is as strict as the real service, and it can be
// told to misbehave.
//
// # Changes
//
// An accepted change becomes visible after [Options].Lag. A second write during the lag is
// accepted and counted as another restart, because the real service may do so. When the
// change becomes visible, the instance is SSLModifying for [Options].ChangeTime. Changes
// run one after the other. The first 1,000 instances have a data plane, which speaks Redis
// for every type. A restart closes the open connections of the instance. No timer runs for
// this: it happens when the emulator next handles the instance, in a call, a new
// connection or a method.
//
// # Clocks
//
// The emulated clock drives the instances, their tags, their tasks and the header Date of
// the API's answers. [Emulator.Advance] moves it. [Emulator.SkewDate] makes the header
// Date wrong. The timestamps of requests and the quotas follow the machine's own clock,
// because callers sign by their machine's clock and no test can move that.
//
// # Regions
//
// An instance answers only in its own region. The real service knows the region by the
// host of the endpoint. In the emulator all regions share one host, so the parameter
// RegionId decides. If a proxy leads a host name of the real service to the emulator, that
// host must serve the region. A call without RegionId belongs to the region of the host
// name, or to cn-hangzhou. The actions on tags refuse a call without RegionId, and so does
// DescribeInstances with a Tag. With [Options].Central, a call by id also finds the
// instances of the other regions that share the central endpoint. Listings never do, and
// DescribeActiveOperationTasks is a listing.
//
// # Tags
//
// A tag that was set or removed becomes visible after [Options].TagLag. If TagLagMin is
// less, the delay of each tag is drawn between the two. Once a value is visible, no older
// value returns. An instance takes 20 tags. [Emulator.TagPolicy] forbids keys.
//
// # Tasks
//
// An instance may have tasks that Alibaba itself has scheduled. A pending task runs when
// the emulated clock passes its SwitchTime. It is in progress from its StartTime on, which
// is PrepareInterval earlier. A renewal (rds_apsaradb_ssl_update) then changes the
// certificate as ModifyInstanceSSL does, with a restart that counts. It fails if the
// instance is not running or its encryption is off. Tasks of other types have no effect.
// ModifyActiveOperationTasks moves pending tasks whose AllowChange is 1. The new
// SwitchTime must not be after the Deadline and must leave the time to prepare. With
// ImmediateStart the tasks start now. CancelActiveOperationTasks cancels tasks that have
// not started and whose AllowCancel is 1. Both actions change all tasks of a call or none.
//
// # Misbehaviour
//
// A [Fault] hits the next calls of an action, or a share of all calls.
// [Emulator.StaleReads] makes DescribeInstanceSSL and every InstanceStatus show an old
// state. Tags are always fresh, and writes are judged by the fresh state. The published
// quotas are in force for each region: DescribeInstanceAttribute 1000 in 1 s,
// ListTagResources 100 in 1 s, TagResources and each of the three actions on tasks 200 in
// 60 s. [Emulator.Quota] changes and adds quotas. A call that its quota refuses does not
// count as a call. [Options].Seed repeats everything that is drawn by chance, if the calls
// come in the same order.
//
// # Controls
//
// An [Emulator] is an http.Handler: the OpenAPI is at /, by GET or POST. Its controls take
// no credentials, so it belongs on a loopback address only. The controls speak JSON and
// answer bad input with 400 {"Error":"…"}. The answer to a POST is the answer to a GET
// afterwards:
//
//	/emulator/instances       GET: every Instance, with Restarts, Changes and DataPlane
//	                          POST: one Instance or an array, added or replaced
//	/emulator/clock           GET: {"Now":"2026-12-01T00:00:00Z","Skew":"0s"}
//	                          POST: {"Advance":"1h"}, a Go duration, or {"Skew":"8m"}, or both
//	/emulator/faults          GET: the pending faults, each a Fault
//	                          POST: {"Action":"ModifyInstanceSSL","Kind":"throttle","Times":1}, or with
//	                          "Share":0.1; without both, Times is 1
//	/emulator/quotas          GET: {"TagResources":{"Calls":200,"Window":"1m0s","Throttled":0}}, by action
//	                          POST: {"Action":"TagResources","Calls":20,"Window":"1m"}; {"Action":"*","Calls":0} lifts all
//	/emulator/stale-reads     GET and POST: {"StaleReads":"10m"}; "0s" for none
//	/emulator/stale-serving   GET and POST: {"StaleServing":"10m"}; "0s" for none
//	/emulator/ca              GET: {"SHA256":"…","Rotations":0}, the CA of all changes from now on
//	                          POST: {"Rotate":true}
//	/emulator/tag-policy      GET and POST: {"Keys":["tairssl-*"]}; [] for none
//	/emulator/policy          POST: a policy of RAM that judges all calls from now on
//	/emulator/calls           GET: {"DescribeInstanceSSL":12}, the authentic calls by action
//	/emulator/ca.pem          GET: the CA certificate of the https address
//
// The CertDownloadURL of an instance is /emulator/ca/ID/ApsaraDB-CA-Chain.zip.
//
// # What is not emulated
//
// The wire follows Alibaba Cloud's documentation of the RPC request structure, signature
// 1.0 and common error codes, and R-kvstore's API reference. Of STS only GetCallerIdentity
// exists. There are no XML answers, no signature version 3, no other products and no
// paging by token. DescribeInstances ignores all filters except RegionId, InstanceIds,
// InstanceStatus, SearchKey, GlobalInstance and Tag. A region that does not exist is a
// region without instances. A Released instance stays in listings. Memcache instances have
// no TLS, but their data plane speaks Redis. All data planes share one set of keys.
package tairtest
