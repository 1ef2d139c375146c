package exporter

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tairssl/handler"
)

const (
	// Shortest is the shortest interval. Each look reads the whole fleet, so shorter
	// intervals would use up the API's rate.
	Shortest = 10 * time.Second
	// longestLook is the time limit of a look. A longer interval raises it.
	longestLook = 15 * time.Minute
)

// Options are those of an [Exporter]. Look and Every are required.
type Options struct {
	// Look reads the fleet. It changes nothing and ends when ctx ends.
	Look    func(ctx context.Context) Look
	Every   time.Duration // from the start of a look to the start of the next
	Version string
	Log     *slog.Logger // default: none
}

// Exporter reads a fleet at an interval and shows its state as metrics. It is safe
// for concurrent use.
type Exporter struct {
	Options
	mu    sync.Mutex
	state State
}

// New returns an exporter that has no state yet. [Exporter.Run] fills it.
func New(o Options) *Exporter {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Exporter{Options: o}
}

// State returns the state after the last look.
func (e *Exporter) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// Run reads the fleet at once and then at each interval, until ctx ends. Two looks
// never run at the same time: if a look takes longer than the interval, the next
// one starts late.
func (e *Exporter) Run(ctx context.Context) {
	turn := time.NewTicker(e.Every)
	defer turn.Stop()
	for ctx.Err() == nil {
		e.look(ctx)
		select {
		case <-ctx.Done():
		case <-turn.C:
		}
	}
}

// look reads the fleet once and updates the state.
func (e *Exporter) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, max(e.Every, longestLook))
	defer cancel()
	var l Look
	err := handler.Guarded(func() error { l = e.Look(limited); return nil })
	switch {
	case ctx.Err() != nil:
		return // an interrupted look is incomplete
	case err != nil:
		e.Log.ErrorContext(ctx, "reading the fleet for /metrics failed", "error", handler.AsError(err).Err)
		return
	}
	e.mu.Lock()
	e.state = e.state.After(l)
	e.mu.Unlock()
	e.tell(ctx, l)
}

// tell logs the regions and instances that a look could not read.
func (e *Exporter) tell(ctx context.Context, l Look) {
	for _, r := range l.Regions {
		if r.Kind != "" {
			e.Log.WarnContext(ctx, "could not list a region for /metrics; its old values stay", "region", r.ID, "kind", r.Kind, "reason", r.Why)
		}
	}
	if n := len(l.Failures); n > 0 {
		first := l.Failures[0]
		e.Log.WarnContext(ctx, "could not read some instances for /metrics; their old values stay", "failed", n, "instance", first.InstanceID, "region", first.RegionID, "kind", first.Kind, "reason", first.Why)
	}
}

// Handler answers GET /metrics. It also shows the usual metrics of the process and of
// Go.
func (e *Exporter) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tairssl_build_info", Help: "Always 1; the label version is the version of tairssl.", ConstLabels: prometheus.Labels{"version": safe(e.Version)}})
	build.Set(1)
	registry.MustRegister(e, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	show := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorLog: slog.NewLogLogger(e.Log.Handler(), slog.LevelError)})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "read metrics with GET", http.StatusMethodNotAllowed)
			return
		}
		show.ServeHTTP(w, r)
	})
}
