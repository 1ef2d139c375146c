package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tairssl/adapters/event"
	"tairssl/handler"
)

// Options say which routes are open and how they are answered.
type Options struct {
	Standard StandardSecrets // /ssl and /cloudevents
	GitHub   Secrets         // /ssl
	Tokens   Secrets         // bearer tokens, on /ssl, /alertmanager, /grafana and /cloudevents
	Basic    BasicSecrets    // basic credentials, on the same routes

	Grafana Secrets  // HMAC, on /grafana
	Origins []string // senders that may shake hands on /cloudevents, in lower case

	// Routes are the routes of other packages, by path.
	Routes map[string]Route

	// Decoder reads the events.
	Decoder *event.Decoder
	// Answer carries out the requests of an authentic message.
	Answer func(context.Context, event.Asked) event.Answer
	// Line logs a request, once; default: one line in Log.
	Line func(context.Context, slog.Level, ...slog.Attr)
	Log  *slog.Logger     // default: no log
	Now  func() time.Time // default: time.Now
}

const maxEvents = 256 << 10

// Handler answers all routes. It is safe for concurrent use.
type Handler struct {
	Options
	routes map[string]route
	done   doneOnce
}

// route is an open path.
type route struct {
	methods string // in the form of the header Allow
	limit   int64  // greatest size of the body, in bytes
	schemes []Scheme
	within  time.Duration // time limit of the answer; 0 for the invocation's
	// unsigned answers requests that need no signature. It returns false for other
	// requests.
	unsigned func(*Handler, *request) bool
	// media reports whether a media type is accepted.
	media func(string) bool
	serve func(*Handler, *request)
}

// New returns a handler with the routes whose secrets are set.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Line == nil {
		o.Line = func(ctx context.Context, level slog.Level, attrs ...slog.Attr) {
			o.Log.LogAttrs(ctx, level, "invocation", attrs...)
		}
	}
	h := &Handler{Options: o, routes: map[string]route{}}
	for _, m := range Machines {
		h.open(m.Path, m.route(o))
	}
	for path, r := range o.Routes {
		h.open(path, r.route())
	}
	return h
}

// open adds a route. A route without a scheme stays closed.
func (h *Handler) open(path string, r route) {
	if len(r.schemes) == 0 {
		return
	}
	if r.methods == "" {
		r.methods = http.MethodPost
	}
	h.routes[path] = r
}

// Open reports whether a path is open.
func (h *Handler) Open(path string) bool { _, ok := h.routes[path]; return ok }

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := beganAt(r.Context())
	q := &request{w: w, http: r, invocation: r.Context()}
	defer func() {
		if v := recover(); v != nil {
			q.refuse(handler.Panicked(r.Context(), h.Log, v), 0, errors.New("panic"))
		}
		level := slog.LevelInfo
		if q.status >= 400 {
			level = slog.LevelWarn
		}
		h.Line(r.Context(), level, append([]slog.Attr{
			slog.String("route", handler.ClipText(r.URL.Path)), slog.String("method", handler.ClipText(r.Method)), slog.Int("status", q.status),
			slog.Int("bytes", len(q.body)), slog.String("source_ip", handler.ClipText(r.RemoteAddr)),
		}, q.attrs...)...)
	}()
	if r.URL.Path == Healthz {
		if q.uses("GET, HEAD") {
			q.write(http.StatusOK, []byte(`{"Status":"ok"}`))
		}
		return
	}
	route, open := h.routes[r.URL.Path]
	if !open {
		q.refuse(handler.Errorf(handler.NotFound, "there is nothing here"), 0, nil)
		return
	}
	if !q.uses(route.methods) {
		return
	}
	if route.within > 0 {
		ctx, cancel := context.WithDeadline(r.Context(), began.Add(route.within))
		defer cancel()
		q.http = r.WithContext(ctx)
	}
	if q.read(route.limit) && !(route.unsigned != nil && route.unsigned(h, q)) && h.admits(q, route) {
		route.serve(h, q)
	}
}

// authenticate verifies the one scheme that a message presents.
func authenticate(schemes []Scheme, m Message) (Scheme, error) {
	if len(schemes) == 1 && schemes[0].presented == nil {
		return schemes[0], schemes[0].verify(m)
	}
	presented := ""
	for _, p := range Proofs { // all schemes, even if their secrets are not set
		if _, s := p.scheme(Options{}); s.presented(m.Header) {
			if presented != "" {
				return Scheme{}, fmt.Errorf("the request presents both %s and %s", presented, s.Name)
			}
			presented = s.Name
		}
	}
	for _, s := range schemes {
		if s.Name == presented {
			return s, s.verify(m)
		}
	}
	if presented == "" {
		presented = "nothing"
	}
	return Scheme{}, fmt.Errorf("the request presents %s, which this route does not accept", presented)
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// isCloudEvents accepts JSON for structured events, and any type for binary ones.
func isCloudEvents(media string) bool {
	form, structured := strings.CutPrefix(media, "application/cloudevents")
	return !structured || form == "" || form == "-batch" || strings.HasSuffix(form, "+json")
}
