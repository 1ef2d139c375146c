package notify

import (
	"strings"

	"tairssl/handler"
)

// What a change came to beside its outcome: whether clients still trust the
// instance, and whether a handshake shows the change.

const (
	giveCA    = "Give all clients the new CA, tairssl ca INSTANCE --region REGION, and then set TAIRSSL_CA_ACCEPT to its fingerprint. Until then nothing else in the region is changed unattended."
	compareCA = "Look whether clients have the CA of now: tairssl ca INSTANCE --region REGION"
	lookTLS   = "Look at what is served: tairssl status INSTANCE --region REGION --tls. Ask Alibaba's support if that stays so."
)

// toDo is what an alert asks for.
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

// changed reports that the certificate is a new one, or is about to be.
func (n Note) changed() bool { return n.Outcome.Changed() }

// withCA adds the comparison of the CA to a line, which the reason ends with.
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
		l.next = next{} // clients have it
	}
	if l.note.Outcome == handler.Verified {
		l.why = "" // that it was due is past
	}
	return l
}
