package handler

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// After an Update, clients may need another CA: Alibaba's documentation tells them to
// download the chain again. A client that does not download it may fail to connect after
// a renewal. So the CA is compared before and after each change.

// CAFingerprint reads the CA that clients of an instance have to trust, from the
// instance's CertDownloadURL. The fingerprint is SHA-256 in hexadecimal digits.
type CAFingerprint func(ctx context.Context, region, from string) (string, error)

// CAChangedTag marks an instance whose CA changed with its certificate. The value is the
// new fingerprint. While an instance of a region has this tag and the settings do not
// accept the fingerprint, no instance of the region is changed unattended.
const CAChangedTag = "tairssl-ca-changed"

// CAChange is the CA before and after a change.
type CAChange struct {
	Before, After string // fingerprints; "" if the CA could not be read
	Changed       bool
	Accepted      bool   // TAIRSSL_CA_ACCEPT names the new CA, so clients have it
	Says          string // the comparison in a sentence
}

// Stops reports whether clients may lack the new CA, so that no other instance may be
// changed unattended.
func (c *CAChange) Stops() bool { return c != nil && c.Changed && !c.Accepted }

// Compared reports whether both fingerprints are known, or no comparison was wanted.
func (c *CAChange) Compared() bool { return c == nil || c.Before != "" && c.After != "" }

// Words gives the comparison in a sentence, with the fingerprints.
func (c *CAChange) Words() string {
	switch {
	case !c.Compared():
		return c.Says
	case !c.Changed:
		return fmt.Sprintf("%s (SHA-256 %s)", c.Says, c.After)
	}
	return fmt.Sprintf("%s (SHA-256 before %s, now %s)", c.Says, c.Before, c.After)
}

// compareCA compares two fingerprints.
func compareCA(before, after string, accepted []string) CAChange {
	c := CAChange{Before: before, After: after, Changed: before != after, Says: "CA unchanged"}
	if c.Changed {
		c.Says = "CA changed: clients that trust only the old one cannot connect"
		if c.Accepted = slices.Contains(accepted, after); c.Accepted {
			c.Says += ". TAIRSSL_CA_ACCEPT names the new one"
		}
	}
	return c
}

// caCheck is the comparison of one attempt; nil if the CA is not compared.
type caCheck struct {
	CAChange
	lost  string // why the CA was not read before the change
	ended bool   // the second reading was made or tried
	alert bool
}

// failed records that the CA could not be compared.
func (c *caCheck) failed(why string) {
	c.Says, c.alert = "CA not compared: "+why, true
}

// caBefore reads the CA before the change.
func (a *attempt) caBefore(ctx context.Context) decision {
	if a.CA == nil || a.SSLEnabled != Update || a.moving.planned() {
		return proceed(a.reason)
	}
	before, err := a.readCA(ctx, a.before.Observation)
	a.ca = &caCheck{CAChange: CAChange{Before: before, Says: "CA not compared: the change was not watched to its end; raise TAIRSSL_WAIT"}}
	switch {
	case err == nil:
		return proceed(a.reason)
	case ctx.Err() != nil:
		return a.tooLate()
	}
	a.ca.lost = AsError(err).Message
	if a.Unattended() {
		return withoutCA(a.reason, a.ca.lost, a.before.Expires, a.before.present)
	}
	return proceed(a.reason)
}

// withoutCA decides on an automatic change if the CA cannot be read beforehand. After the
// change nobody could tell whether clients need another CA, so the change waits. On the
// last day the change is made in spite of that, because an expired certificate stops all
// clients.
func withoutCA(reason, why string, expires, now time.Time) decision {
	if !now.Before(expires.Add(-MissedBefore)) {
		return proceed(reason)
	}
	return decision{outcome: Deferred, alert: true, reason: fmt.Sprintf("%s, but deferred, because the CA could not be compared after the change: %s. Mend that, renew by hand, or unset TAIRSSL_CA_CHECK; on its last day the certificate is renewed all the same", reason, why)}
}

func (a *attempt) readCA(ctx context.Context, o Observation) (fingerprint string, err error) {
	err = Guarded(func() (err error) {
		fingerprint, err = a.CA(ctx, a.ref.RegionID, o.CertDownloadURL)
		return err
	})
	return fingerprint, err
}

// caAfter compares the CA with the CA before the change. It does so once, after the API
// has reported the change as done. If clients may lack the new CA, it marks the instance.
func (a *attempt) caAfter(ctx context.Context, o Observation) {
	if a.ca == nil || a.ca.ended {
		return
	}
	a.ca.ended = true
	after, err := a.readCA(ctx, o)
	a.ca.After = after
	switch {
	case a.ca.lost != "":
		a.ca.failed("it could not be read before the change: " + a.ca.lost)
	case err != nil:
		a.ca.failed("it cannot be read after the change: " + AsError(err).Message)
	default:
		a.ca.CAChange = compareCA(a.ca.Before, after, a.CAAccept)
		if a.ca.Stops() {
			a.ca.alert = true
			a.markCA(ctx, o)
		}
	}
}

// told adds the comparison to the decision on a change.
func (c *caCheck) told(d decision) (*CAChange, decision) {
	if c == nil {
		return nil, d
	}
	d.reason += "; " + c.Words()
	d.alert = d.alert || c.alert
	return &c.CAChange, d
}
