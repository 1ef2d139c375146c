package cli

import (
	"strings"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// status is the row of the status command for one instance. The JSON fields have the
// API's names where the API has the same field.
type status struct {
	InstanceID       string `json:"InstanceId"`
	RegionID         string `json:"RegionId"`
	InstanceName     string
	GlobalInstanceID string `json:"GlobalInstanceId,omitempty"` // "" if the instance belongs to no global instance
	InstanceStatus   string
	SSLEnabled       string // Enable, Disable, or none if this type of instance has no TLS
	SSLExpiredTime   handler.Time
	DaysLeft         *int // null if there is no certificate
	Due              bool // an Update would renew the certificate now
	Reason           string
	CertCommonName   string
	ConnectionDomain string
	CertDownloadURL  string
	WrongName        bool         // the certificate's name is not ConnectionDomain
	DeferredUntil    handler.Time // the certificate is due, but an unattended Update waits until then
	ScheduledTime    handler.Time // when Alibaba itself renews the certificate
	Rule             handler.Rule `json:",omitempty"` // the rule that delays an unattended Update
	ApprovedBy       string       `json:",omitempty"` // the person who approved the Update of this certificate
	Alert            bool         // the certificate expires before a window opens, or a person has to act
	Served           *handshake   `json:",omitempty"` // with --tls, for an instance that has a certificate
	Error            *handler.Error

	state fleet.State
}

// noTLS is the SSLEnabled of an instance whose type has no TLS.
const noTLS = "none"

// rowOf makes the row of an instance. now is the time for DaysLeft.
func rowOf(state fleet.State, now time.Time) status {
	o := state.Observation
	row := status{InstanceID: state.InstanceID, RegionID: state.RegionID, InstanceName: o.Name, InstanceStatus: o.Status, Error: state.Err, state: state}
	if state.Err != nil {
		return row
	}
	if o.WithoutTLS() {
		row.SSLEnabled, row.Reason = noTLS, join("this type of instance has no TLS", notRunning(o))
		return row
	}
	shown := o.State()
	row.SSLEnabled, row.SSLExpiredTime = shown.SSLEnabled, shown.SSLExpiredTime
	row.CertCommonName, row.ConnectionDomain, row.CertDownloadURL = o.CommonName, o.ConnectionDomain, o.CertDownloadURL
	row.GlobalInstanceID = o.GlobalID
	row.Reason = join(notRunning(o), state.Why, memberOf(o))
	if !state.HasCertificate() {
		return row
	}
	left := int(o.Expires.Sub(now) / (24 * time.Hour))
	row.DaysLeft, row.Due, row.WrongName = &left, state.Due, o.WrongName()
	if a, ok := o.Approval(); ok {
		row.ApprovedBy = a.Who
	}
	if state.Renewal.Coming() {
		row.ScheduledTime = handler.At(state.Renewal.At)
	}
	if state.Due {
		row.outlook(state.Sweep)
	}
	return row
}

// outlook adds the result that the next sweep would have for an instance that is due.
func (s *status) outlook(sweep handler.Result) {
	s.Alert, s.Rule = sweep.Alert, sweep.Rule
	switch sweep.Outcome {
	case handler.Unchanged:
	case handler.Planned:
		if !sweep.MovedTo.IsZero() {
			s.Reason = sweep.Reason
		}
	case handler.Deferred:
		s.DeferredUntil, s.Reason = sweep.Until, sweep.Reason
	default: // the sweep does not renew the certificate
		if sweep.Because != "" && strings.HasPrefix(sweep.Reason, sweep.Because) {
			s.Reason = sweep.Reason
		} else {
			s.Reason += ", but " + sweep.Reason
		}
	}
}

// stopped reports whether the owner or Alibaba stopped the instance. That is no fault.
func (s status) stopped() bool { return handler.Instance{Status: s.InstanceStatus}.Stopped() }

// notRunning explains that a stopped instance is not renewed; "" if the instance runs.
func notRunning(o handler.Observation) string {
	if !o.Stopped() {
		return ""
	}
	return "the instance is " + o.Status + ", so nothing is renewed"
}

// memberOf names the global instance that an instance belongs to; "" if there is none.
func memberOf(o handler.Observation) string {
	if o.GlobalID == "" {
		return ""
	}
	return "a member of the global instance " + o.GlobalID
}

// heldBack is the reason why an instance that is due is not renewed now, without the
// reason why it is due.
func (s status) heldBack() string {
	held, _ := strings.CutPrefix(s.Reason, s.state.Why+", but ")
	return held
}

// alibabas describes the renewal that Alibaba itself has scheduled; "" if there is none.
func (s status) alibabas() string {
	if !s.state.Renewal.Coming() {
		return ""
	}
	return s.state.Renewal.String()
}

// inFull is the complete reason, with Alibaba's own renewal.
func (s status) inFull() string {
	if strings.Contains(s.Reason, s.alibabas()) {
		return s.Reason
	}
	return join(s.Reason, s.alibabas())
}
