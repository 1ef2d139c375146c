// Package chatops lets people ask for certificates in a chat. There is one grammar for
// all platforms ([Parse]). [Rules] give people their rights. Every change takes two
// steps.
//
// A [Platform] is one value in a file of its own: its route, its signature, how to read a
// message and how to write an answer. [Chat] puts the routes behind the checks of package
// webhook, and sends later answers through the sender of package notify. A new platform
// needs its file, one line in [Platforms] and one in [Settings].
//
// A text is normalised before it is read: links become their targets, and full-width
// letters become plain ones. Polite words around a command are ignored. So is a quotation
// of another message: a plan to which somebody answers "no" is not confirmed. Instances
// are found by any name that people use, among those that a rule allows. The answer is in
// the language of the question, from one table of sentences for each language.
//
// The first step of a change reads the instance and shows what would happen, with a code
// of 16 characters. The second step, "confirm CODE", acts only if the instance still has
// the certificate that was shown. The bot stores no codes. A process that never saw the
// plan finds the instance by the code. Using a code twice changes nothing the second
// time, because of the lease on the instance, and later because of the new expiry.
//
// A chat waits only for seconds, and a cloud stops a function after its answer. So
// [Bot.Say] checks as much of a confirmation as it can without the API, hands the message
// over by [Options].Hand and answers that the change has started. Another invocation, for
// which nobody waits, opens the message ([Bot.Open]), makes the change by
// [Options].Change, watches it, and composes the answer ([Bot.Finish]). [Chat.Handed]
// sends that answer to the chat. A command that cannot be read in time takes the same
// way, and so does an answer that the platform did not take. A handed message is
// encrypted, so that nobody else can make one, or read the address of its answer.
package chatops
