// Package chatops lets people ask for certificates in a chat: one grammar for
// every platform ([Parse]), rules that say who may do what ([Rules]), and two
// steps for every change.
//
// A [Platform] is one value with everything about it, in a file of its own: route,
// signature, how a message is read and an answer written. [Chat] mounts their
// routes behind package webhook's checks, and sends later answers by package
// notify's sender. To add a platform takes its file, one line in [Platforms] and one
// in [Settings].
//
// A text is normalised before it is read: whatever a client made of it, links are
// what they point at, and full-width letters are plain ones. What is polite around a
// command says nothing, and neither does what quotes another message: a plan that
// somebody answers with "no" is not confirmed. Instances are found by what people call
// them, among those that a rule allows. The answer is in the language of the question:
// one table of sentences for each.
//
// The first step of a change reads and shows what would happen, with a code of 16
// characters; the second, "confirm CODE", acts only if the certificate is still the
// one that was shown. The code is stateless: a process that never saw the plan finds
// the instance by it. Used twice, it changes nothing the second time: the lease on
// the instance, and then the certificate's new expiry, see to it.
//
// A chat waits some seconds, and a cloud stops a function that has answered. So
// [Bot.Say] only checks of a confirmation what needs no API, hands it over by
// [Options].Hand and answers that it was started. An invocation of its own, for
// which nobody waits, opens it ([Bot.Open]), makes the change by [Options].Change,
// watches it and gives the end ([Bot.Finish]), which [Chat.Handed] sends to where
// the message came from. What cannot be read in time takes the same way, and so does
// an answer that the platform did not take. A handed message is sealed, so that nobody
// else can make one or read where its answer goes.
package chatops
