package cli

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tairssl/adapters/cli/exporter"
	"tairssl/adapters/function"
	"tairssl/handler/fleet"
)

// metricsRoute is the path that Prometheus reads.
const metricsRoute = "/metrics"

// export starts to read the function's instances at an interval, and returns the handler
// that shows them. It shares the rate and the quotas with the function.
func (c *command) export(ctx context.Context, f *function.Function, every time.Duration) (show http.Handler, stop func(), err error) {
	instancesOf, api, err := f.Fleet(ctx)
	if err != nil {
		return nil, nil, err
	}
	h := instances{Fleet: instancesOf, api: api}
	e := exporter.New(exporter.Options{
		Look:  func(ctx context.Context) exporter.Look { return lookAt(ctx, h) },
		Every: every, Version: c.Version, Log: h.Log,
	})
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx) })
	return e.Handler(), func() { cancel(); running.Wait() }, nil
}

// lookAt reads every instance. It reads Alibaba's own schedule, whose quota is small, only
// for instances that are due.
func lookAt(ctx context.Context, h instances) exporter.Look {
	began, now := time.Now(), h.Now()
	look := exporter.Look{Began: now}
	rows, coverage := h.Outlook(ctx, h.Regions, nil, now)
	for _, row := range rows {
		if row.Err != nil && !row.Observation.Stopped() {
			look.Failures = append(look.Failures, exporter.Failure{Ref: row.Ref, Name: row.Observation.Name, Kind: row.Err.Kind, Why: row.Err.Message})
			continue
		}
		look.Instances = append(look.Instances, seen(h, row, now))
	}
	for _, region := range coverage {
		r := exporter.Region{ID: region.RegionID, Listed: region.Listed}
		if region.Error != nil {
			r.Kind, r.Why = region.Error.Kind, region.Error.Message
		}
		look.Regions = append(look.Regions, r)
	}
	look.Took = time.Since(began)
	return look
}

// seen is an instance for the metrics. The API may fail to read a stopped instance. Such
// an instance is shown without a certificate.
func seen(h instances, row fleet.Outlook, now time.Time) exporter.Instance {
	i := exporter.Instance{Ref: row.Ref, Name: row.Observation.Name, Stopped: row.Observation.Stopped(), Seen: now}
	if row.Err != nil {
		return i
	}
	switch o := row.Observation; {
	case o.WithoutTLS():
		i.TLS = exporter.None
	case !o.Enabled:
		i.TLS = exporter.Off
	default:
		i.TLS, i.Expires = exporter.On, o.Expires
	}
	i.Due, _ = h.DueNow(row.Observation)
	i.Alert = row.Alert
	if i.Due && row.At.After(now) {
		i.DeferredUntil = row.At.Time
	}
	return i
}
