package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/sync/errgroup"

	"tairssl/adapters/tair/cachain"
	"tairssl/adapters/tair/served"
	"tairssl/handler"
)

// handshake is the result of a TLS handshake with an instance.
type handshake struct {
	SSLExpiredTime handler.Time
	Names          []string // the DNS names in the certificate
	SHA256         string   // the certificate's fingerprint
	TLS            string   // the version, such as TLS 1.3
	Matches        bool     // the API reports the same certificate
	Reason         string   // why it does not match; "" if it matches
	Error          *handler.Error
}

// differs reports that the instance serves another certificate than the API reports.
func (h *handshake) differs() bool { return h != nil && h.Error == nil && !h.Matches }

// lookAtServed makes a handshake with each instance that has a certificate, many at a
// time.
func lookAtServed(ctx context.Context, h instances, rows []status, progress *gauge) {
	defer progress.end()
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	var done atomic.Int32
	for i := range rows {
		group.Go(func() error {
			if r := &rows[i]; r.Error == nil && r.DaysLeft != nil && !r.stopped() {
				r.Served = shake(ctx, h.probe, *r)
			}
			progress.set(int(done.Add(1)), len(rows))
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
}

// shake makes one handshake and compares the served certificate with the row.
func shake(ctx context.Context, probe served.Probe, r status) *handshake {
	conn, err := probe.Dial(ctx, r.ConnectionDomain, r.state.Observation.Port)
	if err != nil {
		return &handshake{Error: handler.AsError(err)}
	}
	defer func() { _ = conn.Close() }()
	leaf := served.Chain(conn)[0]
	seen := &handshake{
		SSLExpiredTime: handler.At(leaf.NotAfter), Names: served.Names(leaf), SHA256: cachain.SHA256(leaf),
		TLS: tls.VersionName(conn.ConnectionState().Version),
	}
	var o handler.Observation
	// Compare with the certificate's name in the API. If that is not the endpoint's name,
	// WrongName says so.
	o.Expires, o.ConnectionDomain = r.SSLExpiredTime.Time, cmp.Or(r.CertCommonName, r.ConnectionDomain)
	seen.Reason = handler.Certificate{Expires: leaf.NotAfter, Names: seen.Names}.Contradicts(o)
	seen.Matches = seen.Reason == ""
	return seen
}

// printServed shows each served certificate next to the certificate that the API reports.
// The exit code is not 0 if two certificates differ, or if a handshake failed.
func (c *command) printServed(h instances, rows []status, fleet bool) error {
	code := 0
	for _, r := range rows {
		switch {
		case r.Served.differs():
			code = max(code, handler.Internal.ExitCode())
		case r.Served != nil && r.Served.Error != nil:
			code = max(code, r.Served.Error.Kind.ExitCode())
		}
	}
	if c.output == "json" {
		return worse(c.printStatus(h, rows, fleet), ended(code))
	}
	now := time.Now()
	t := newInstanceTable("REGION", "STATUS", "EXPIRES", "SERVED", "WHY")
	for _, r := range rows {
		shown, why, color := r.servedInWords(h, now)
		expires := "-"
		if r.DaysLeft != nil {
			expires = days(r.SSLExpiredTime, now)
		}
		t.add(r.InstanceID, r.InstanceName, r.RegionID, r.InstanceStatus, expires, c.paint(color, shown), why)
	}
	fmt.Fprintln(c.Stdout, t.Render(c.width()))
	return worse(c.rowErrors(rows), ended(code))
}

// servedInWords describes the certificate that an instance serves, and why a person
// should look at it.
func (r status) servedInWords(h instances, now time.Time) (shown, why string, color text.Color) {
	switch {
	case r.Error != nil:
		return "-", r.Error.Message, text.FgRed
	case r.SSLEnabled == string(handler.Disable):
		return "-", join("encryption is off", r.Reason), text.FgHiBlack
	case r.Served == nil:
		return "-", r.Reason, text.FgHiBlack
	case r.Served.Error != nil:
		return "no handshake", r.Served.Error.Message, text.FgYellow
	case r.Served.differs():
		return days(r.Served.SSLExpiredTime, now), r.Served.Reason, text.FgRed
	}
	return "the same", r.brief(h), text.FgGreen
}
