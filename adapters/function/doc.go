// Package function is the function, on any cloud. It reads the [Settings] from the
// environment, connects handler to Alibaba's API, and answers one payload at a time by
// [Function.Invoke]. The packages lambda and fc put the runtimes of their clouds around
// it.
//
// Work that takes longer than a chat waits goes to another invocation by
// [Options].Invoke, encrypted. [Function.InvokeHanded] does it there.
//
// The parts of the function are made after the runtime begins to poll for the first
// invocation. So a cold start is not longer than the start of the runtime.
// [Function.Prepare] makes the parts while the process waits.
package function
