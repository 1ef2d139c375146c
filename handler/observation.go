package handler

import (
	"time"
)

// Observation is one look at an instance.
type Observation struct {
	Instance
	SSL
}

// At is the API's clock when the encryption was read, or the instance if it was
// not.
func (o Observation) At() time.Time {
	if o.SSL.At.IsZero() {
		return o.Instance.At
	}
	return o.SSL.At
}

// State is the part of an observation that callers are shown.
func (o Observation) State() *State {
	s := &State{SSLEnabled: string(Disable), SSLExpiredTime: At(o.Expires), CertCommonName: o.CommonName}
	if o.Enabled {
		s.SSLEnabled = string(Enable)
	}
	return s
}

// WrongName reports that the certificate's name is not that of the endpoint,
// as happens when an instance's endpoint is changed: clients that check names
// cannot connect. What is not known is not wrong.
func (o Observation) WrongName() bool {
	if !o.Enabled || o.CommonName == "" || o.ConnectionDomain == "" {
		return false
	}
	return !isFor(o.CommonName, o.ConnectionDomain)
}

// memcache is the InstanceType that never has TLS.
const memcache = "Memcache"

// WithoutTLS reports that instances of this kind have no TLS.
func (o Observation) WithoutTLS() bool { return o.NoTLS || o.Type == memcache }

// Gone reports that the instance does not run, and whether it ever will again
// is not known: it is not paid for, it was released, or it is broken.
func (i Instance) Gone() bool {
	switch i.Status {
	case "Inactive", "Released", "Error":
		return true
	}
	return false
}

// Stopped reports that the instance does not run, for a reason of its owner's: it
// is not paid for, or it was released. Nothing is wrong with that.
func (i Instance) Stopped() bool { return i.Gone() && i.Status != "Error" }

// The words of InstanceStatus that decide anything beside those of Gone; all
// others mean that the instance is busy.
const (
	statusNormal       = "Normal"
	statusSSLModifying = "SSLModifying"
)

// described says what is to be seen of the encryption.
func (o Observation) described() string {
	switch {
	case o.WithoutTLS():
		return "this type of instance has no TLS"
	case !o.Enabled:
		return "encryption is off"
	}
	return "certificate expires " + At(o.Expires).String()
}
