// Package chatops lets people ask for certificates in a chat: one grammar for
// every platform ([Parse]), rules that say who may do what ([Rules]), and two
// steps for every change.
//
// The first step reads and shows what would happen, with a code; the second,
// [Bot.Say] of "confirm CODE", reads again and acts only if nothing moved. The
// code is stateless: a MAC over the change, who asked where, the certificate's
// expiry and a deadline. Used twice, it changes nothing the second time: the
// lease on the instance, and then the certificate's new expiry, see to it.
//
// A platform's own format, and whether a message is authentic, is package
// webhook's business.
package chatops
