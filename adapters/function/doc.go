// Package function is the function, whatever cloud runs it: it reads the
// [Settings] from the environment, wires handler to Alibaba's API, and answers
// one payload at a time by [Function.Invoke]. The packages lambda and fc put
// their runtimes around it.
//
// What lasts longer than a chat waits is handed to an invocation of its own by
// [Options].Invoke, sealed, and done there by [Function.InvokeHanded].
//
// Nothing is made before the runtime polls for the first invocation: a cold start
// pays for the runtime alone. [Function.Prepare] makes the rest while the process
// waits.
package function
