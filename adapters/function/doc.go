// Package function is the function, whatever cloud runs it: it reads the
// [Settings] from the environment, wires handler to Alibaba's API, and answers
// one payload at a time by [Function.Invoke]. The packages lambda and fc put
// their runtimes around it.
//
// Nothing is made before the first invocation needs it: a cold start pays for
// the runtime alone.
package function
