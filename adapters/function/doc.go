// Package function is the function, on any cloud. It reads the [Settings] from the
// environment, connects handler to Alibaba's API, and answers one payload at a time by
// [Function.Invoke]. The packages lambda and fc put the runtimes of their clouds around
// it.
//
// Work that takes longer than a chat waits goes to another invocation by
// [Options].Invoke, encrypted. [Function.InvokeHanded] does it there.
//
// Nothing is made before the runtime polls for the first invocation, so a cold start pays
// only for the runtime. [Function.Prepare] makes the rest while the process waits.
package function
