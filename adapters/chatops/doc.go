// Package chatops lets people ask for certificates in a chat: one grammar for
// every platform ([Parse]), rules that say who may do what ([Rules]), and two
// steps for every change.
//
// The first step reads and shows what would happen, with a code; the second,
// "confirm CODE", reads again and acts only if nothing moved. The
// code is stateless: a MAC over the change, who asked where, the certificate's
// expiry and a deadline. Used twice, it changes nothing the second time: the
// lease on the instance, and then the certificate's new expiry, see to it.
//
// A chat waits some seconds, and a cloud stops a function that has answered. So
// [Bot.Say] only checks a confirmation, hands it over by [Options].Hand and
// answers that it was started. An invocation of its own, for which nobody waits,
// opens it ([Bot.Open]), makes the change, watches it and gives the end
// ([Bot.Finish]). What can not be read in time takes the same way. A handed
// message is sealed, so that nobody else can make one or read where its answer
// goes.
//
// A platform's own format, and whether a message is authentic, is package
// webhook's business.
package chatops
