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
	// Shortest is the least interval: each look reads the whole fleet.
	Shortest = 10 * time.Second
	// longestLook bounds a look that is slower than the interval, as a sweep's
	// invocation is.
	longestLook = 15 * time.Minute
)

// Options of an [Exporter]; Look and Every are needed.
type Options struct {
	// Look reads the fleet. It changes nothing, and ends when ctx does.
	Look    func(ctx context.Context) Look
	Every   time.Duration // from the start of a look to the start of the next
	Version string
	Log     *slog.Logger // default: none
}

// Exporter looks at a fleet and shows what it saw. It is safe for concurrent use.
type Exporter struct {
	Options
	mu    sync.Mutex
	state State
}

// New returns an exporter that has not looked yet.
func New(o Options) *Exporter {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Exporter{Options: o}
}

// State is what is known now.
func (e *Exporter) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// Run looks at the fleet at once and then at each interval, until ctx ends. A
// look that takes longer than the interval is never joined by another one: the
// next begins when its turn comes again.
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

func (e *Exporter) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, max(e.Every, longestLook))
	defer cancel()
	var l Look
	err := handler.Guarded(func() error { l = e.Look(limited); return nil })
	switch {
	case ctx.Err() != nil:
		return // an interrupted look says nothing of the cloud
	case err != nil:
		e.Log.ErrorContext(ctx, "a look for /metrics failed", "error", handler.AsError(err).Err)
		return
	}
	e.mu.Lock()
	e.state = e.state.After(l)
	e.mu.Unlock()
	e.tell(ctx, l)
}

// tell logs what a look could not read.
func (e *Exporter) tell(ctx context.Context, l Look) {
	for _, r := range l.Regions {
		if r.Kind != "" {
			e.Log.WarnContext(ctx, "a look for /metrics could not list a region, whose old values stay", "region", r.ID, "kind", r.Kind, "reason", r.Why)
		}
	}
	if n := len(l.Failures); n > 0 {
		first := l.Failures[0]
		e.Log.WarnContext(ctx, "a look for /metrics could not read some instances, whose old values stay", "failed", n, "instance", first.InstanceID, "region", first.RegionID, "kind", first.Kind, "reason", first.Why)
	}
}

// Handler answers GET /metrics, and adds the metrics of this process and of Go.
func (e *Exporter) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tairssl_build_info", Help: "1, with the version of tairssl.", ConstLabels: prometheus.Labels{"version": safe(e.Version)}})
	build.Set(1)
	registry.MustRegister(e, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	show := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorLog: slog.NewLogLogger(e.Log.Handler(), slog.LevelError)})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "metrics are read by GET", http.StatusMethodNotAllowed)
			return
		}
		show.ServeHTTP(w, r)
	})
}
