package handler

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// After an Update clients may need another CA: Alibaba's documentation tells them
// to download the chain again. Whether they do decides whether an unattended
// renewal is safe, so the CA is compared before and after a change.

// CAFingerprint reads the fingerprint of the CA that clients of an instance in a
// region have to trust, from its CertDownloadURL. It is SHA-256 in hexadecimal
// digits.
type CAFingerprint func(ctx context.Context, region, from string) (string, error)

// CAChangedTag marks an instance whose CA changed with its certificate. Its value
// is the new fingerprint. While an instance of a region bears one that the
// settings do not accept, nothing there is changed unattended.
const CAChangedTag = "tairssl-ca-changed"

// CAChange is the CA before and after a change.
type CAChange struct {
	Before, After string // fingerprints; "" for one that was not read
	Changed       bool
	Accepted      bool   // the settings name the new CA: clients have it
	Says          string // in a sentence
}

// Stops reports that clients may not have the new CA, so that no other instance
// may be changed unattended.
func (c *CAChange) Stops() bool { return c != nil && c.Changed && !c.Accepted }

// Compared reports that both are known, or that nobody wanted to know.
func (c *CAChange) Compared() bool { return c == nil || c.Before != "" && c.After != "" }

// Words are what people are told, with the fingerprints.
func (c *CAChange) Words() string {
	switch {
	case !c.Compared():
		return c.Says
	case !c.Changed:
		return fmt.Sprintf("%s (SHA-256 %s)", c.Says, c.After)
	}
	return fmt.Sprintf("%s (SHA-256 before %s, now %s)", c.Says, c.Before, c.After)
}

// compareCA says what two fingerprints mean.
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

// caCheck is the comparison of an attempt; nil if none is made.
type caCheck struct {
	CAChange
	lost  string // why the CA was not read before the change
	ended bool   // it was read again, or that was tried
	alert bool
}

// failed notes that there is nothing to compare.
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

// withoutCA decides on an automatic change whose CA cannot be read before. Nobody
// could tell afterwards whether clients have lost their way, so it is put off
// until the last day: a certificate that has expired stops all clients for sure.
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

// caAfter compares the CA of an instance whose change is done by the API's word
// with the one before, once. It marks the instance if clients may lack the new one.
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

// told adds the comparison to what a change came to.
func (c *caCheck) told(d decision) (*CAChange, decision) {
	if c == nil {
		return nil, d
	}
	d.reason += "; " + c.Words()
	d.alert = d.alert || c.alert
	return &c.CAChange, d
}
