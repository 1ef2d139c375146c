// Package webhook is the way in over HTTP, where strangers can knock: one
// net/http [Handler] with all routes, used unchanged by both clouds' gateways
// and by a local server.
//
// Every request goes the same way: route and method, size, authenticity over
// the raw bytes, content type, and only then what it says. A [Scheme] is a way
// to tell that a message comes from who holds a secret; each stands in a file of
// its own. A route whose secrets are not set is closed and answers 404, as if it
// were not there; every failure of authenticity answers the same 401, and only
// the log knows why. Exactly one scheme has to be presented: two at once are
// one too many.
//
// Another package's routes, those of chats, pass the same checks ([Route]).
//
// A scheme that does not cover the body, or has no freshness, is weak: who sees
// one of its messages can alter or repeat it. What comes by it can cause an
// Update that is due, and nothing else.
package webhook
