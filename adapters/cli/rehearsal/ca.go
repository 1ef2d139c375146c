package rehearsal

import (
	"context"

	"tairssl/handler"
)

// CA is the authority that signs the instance's certificate: the fingerprints of its
// root before and after the change.
type CA struct {
	Changed       bool
	Before, After string
}

// fingerprint reads the CA. It returns "" and sets caUnread if that fails. It asks for
// the download URL each time, because the URL may change with the certificate.
func (r *run) fingerprint(ctx context.Context) string {
	ssl, err := r.api.SSL(ctx, r.Ref)
	if err == nil {
		var fingerprint string
		if fingerprint, err = r.CA(ctx, r.Ref.RegionID, ssl.CertDownloadURL); err == nil {
			return fingerprint
		}
	}
	r.caUnread = handler.AsError(err).Message
	return ""
}

// compare reads the CA again and compares it with the fingerprint before the change.
func (r *run) compare(ctx context.Context, before string) {
	if after := r.fingerprint(ctx); after != "" {
		r.ca = &CA{Changed: after != before, Before: before, After: after}
	}
}
