package notify

import (
	"strings"

	"tairssl/handler"
)

// A change has two results in addition to its outcome: whether clients still trust the
// instance, and whether a TLS handshake shows the new certificate.

const (
	giveCA    = "Give all clients the new CA (tairssl ca INSTANCE --region REGION). Then set TAIRSSL_CA_ACCEPT to its fingerprint. Until then, no instance in the region is changed automatically."
	compareCA = "Check whether clients have the present CA: tairssl ca INSTANCE --region REGION"
	lookTLS   = "Check which certificate the instance serves: tairssl status INSTANCE --region REGION --tls. If it is still the old one, ask Alibaba's support."
)

// toDo is the next step after an alert.
func (n Note) toDo() string {
	switch {
	case n.CA.Stops(), n.Held != "":
		return giveCA
	case !n.CA.Compared() && n.Outcome == handler.Verified:
		return compareCA
	case n.Outcome == handler.Accepted:
		return lookTLS
	}
	return byHand
}

// changed reports whether there is a new certificate, or will be soon.
func (n Note) changed() bool { return n.Outcome.Changed() }

// withCA adds the comparison of the CA to a line. It is at the end of the reason.
func (l line) withCA() line {
	ca := l.note.CA
	if ca == nil {
		return l
	}
	l.ca = strings.TrimRight(ca.Words(), ".")
	l.why = strings.TrimSuffix(l.why, "; "+l.ca)
	switch {
	case ca.Stops():
		l.what = changes[l.note.SSLEnabled] + " changed the CA"
	case ca.Compared() && l.next.text == fetch:
		l.next = next{} // clients have the new CA, so there is nothing to do
	}
	if l.note.Outcome == handler.Verified {
		l.why = "" // the reason why it was due does not matter any more
	}
	return l
}
