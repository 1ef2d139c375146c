package handler

import (
	"time"
)

// Observation is the state of an instance at one moment.
type Observation struct {
	Instance
	SSL
}

// At is the API's clock when the encryption was read. If the encryption was not read, it
// is the clock when the instance was read.
func (o Observation) At() time.Time {
	if o.SSL.At.IsZero() {
		return o.Instance.At
	}
	return o.SSL.At
}

// State is the part of an observation that callers see.
func (o Observation) State() *State {
	s := &State{SSLEnabled: string(Disable), SSLExpiredTime: At(o.Expires), CertCommonName: o.CommonName}
	if o.Enabled {
		s.SSLEnabled = string(Enable)
	}
	return s
}

// WrongName reports whether the certificate's name differs from the endpoint. This
// happens when the endpoint of an instance is changed. Clients that check names cannot
// connect then. If the name is unknown, WrongName is false.
func (o Observation) WrongName() bool {
	if !o.Enabled || o.CommonName == "" || o.ConnectionDomain == "" {
		return false
	}
	return !isFor(o.CommonName, o.ConnectionDomain)
}

// memcache is the InstanceType without TLS.
const memcache = "Memcache"

// WithoutTLS reports whether this type of instance has no TLS.
func (o Observation) WithoutTLS() bool { return o.NoTLS || o.Type == memcache }

// Gone reports whether the instance does not run and may never run again: it is not paid
// for, it was released, or it is broken.
func (i Instance) Gone() bool {
	switch i.Status {
	case "Inactive", "Released", "Error":
		return true
	}
	return false
}

// Stopped reports whether the owner's action stopped the instance: it is not paid for, or
// it was released. That is not a fault.
func (i Instance) Stopped() bool { return i.Gone() && i.Status != "Error" }

// The values of InstanceStatus that matter, in addition to the values in Gone. Every
// other value means that the instance is busy.
const (
	statusNormal       = "Normal"
	statusSSLModifying = "SSLModifying"
)

// described describes the encryption in words.
func (o Observation) described() string {
	switch {
	case o.WithoutTLS():
		return "this type of instance has no TLS"
	case !o.Enabled:
		return "encryption is off"
	}
	return "certificate expires " + At(o.Expires).String()
}
