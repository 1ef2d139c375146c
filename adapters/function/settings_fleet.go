package function

import (
	"context"
	"log/slog"
	"time"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/served"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Fleet makes the fleet and its client for Alibaba's API from the settings. The caller
// closes the client.
func (s Settings) Fleet(c tair.Credentials, log *slog.Logger) (*fleet.Fleet, *tair.Client) {
	limit := s.Rate
	if limit == 0 {
		limit = -1
	}
	client := tair.New(c, tair.Options{Endpoint: s.Endpoint, RootCAs: s.Roots(), Rate: limit, Regions: s.Region})
	options := handler.Options{
		Policy: handler.Policy{
			Actions:       s.Actions,
			Instances:     s.Instances,
			RenewBefore:   s.RenewBefore,
			Pause:         s.Pause,
			Window:        s.Window,
			MissedActs:    s.WindowMissed == "act",
			Freezes:       s.Freeze,
			Approval:      s.Approval == "required",
			MovesRenewals: s.AlibabaRenewal == "window",
		},
		Regions:     s.Region,
		Wait:        s.Wait,
		Concurrency: s.Concurrency,
		LeaseNone:   s.Lease == "none",
		LeasePause:  max(s.LeasePause, time.Nanosecond),
		Log:         log,
		Decided:     func(ctx context.Context, d handler.Decided) { lineOf(ctx).decided(ctx, d) },
	}
	s.prove(&options, client)
	h := handler.New(client, options)
	return fleet.New(h, client, s.MaxTargets), client
}

// Probe makes handshakes with the instances behind the settings' endpoint.
func (s Settings) Probe() served.Probe { return served.At(s.Endpoint.URL(s.Region[0])) }

// prove adds the proofs that a change is done and that clients can still connect.
func (s Settings) prove(o *handler.Options, client *tair.Client) {
	if s.Verify == VerifyTLS {
		o.Served = s.Probe().Certificate
	}
	if s.CACheck {
		o.CA, o.CAAccept = client.CAFingerprint, s.CAAccept
	}
}
