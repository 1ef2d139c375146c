// Package webhook answers requests over HTTP, which anyone can send. One net/http
// [Handler] has all routes. Both clouds' gateways and a local server use it unchanged.
//
// Every request is checked in this order: route and method, size, authenticity over the
// raw bytes, content type, content. A [Scheme] verifies that a message
// comes from a sender with a secret. Each scheme has its own file. A route whose
// secrets are not set is closed and answers 404, as if it did not exist. Every failure of
// authenticity gets the same answer, 401. Only the log says why. A request has to present
// exactly one scheme.
//
// Routes of other packages, such as those of chats, pass the same checks ([Route]).
//
// A scheme that does not cover the body, or does not cover a time, is weak: everyone who
// sees one of its messages can alter or repeat it. A message with a weak scheme can only
// cause an Update that is due.
package webhook
