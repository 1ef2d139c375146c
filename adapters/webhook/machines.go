package webhook

import (
	"fmt"
	"net/http"
	"time"
)

// Proof is a way for a program to prove its identity: a scheme, and the setting with its
// secrets.
type Proof struct {
	Name    string // name of the scheme in the log
	Setting string // without the prefix
	// Sign gives the headers for a body. It is nil if the sender shows the secret itself.
	Sign func(secret string, now time.Time, body []byte) (http.Header, error)
	// scheme gives the scheme and its secrets. Without secrets, it accepts nothing.
	scheme func(Options) (Secrets, Scheme)
}

var (
	byStandard = &Proof{
		Name: "standard", Setting: "WEBHOOK_SECRETS",
		Sign: func(secret string, now time.Time, body []byte) (http.Header, error) {
			return SignStandard(secret, fmt.Sprintf("msg_%d", now.UnixNano()), now, body)
		},
		scheme: func(o Options) (Secrets, Scheme) { return o.Standard.Secrets, Standard(o.Standard) },
	}
	byGitHub = &Proof{
		Name: "github", Setting: "GITHUB_SECRETS",
		Sign: func(secret string, _ time.Time, body []byte) (http.Header, error) {
			return SignGitHub(secret, body), nil
		},
		scheme: func(o Options) (Secrets, Scheme) { return o.GitHub, GitHub(o.GitHub) },
	}
	byGrafana = &Proof{
		Name: "grafana", Setting: "GRAFANA_SECRETS",
		Sign: func(secret string, now time.Time, body []byte) (http.Header, error) {
			return SignGrafana(secret, now, body), nil
		},
		scheme: func(o Options) (Secrets, Scheme) { return o.Grafana, Grafana(o.Grafana) },
	}
	// A static secret does not cover the message, but many monitors can only send a
	// static secret.
	byBearer = &Proof{
		Name: "bearer", Setting: "ALERT_TOKENS",
		scheme: func(o Options) (Secrets, Scheme) { return o.Tokens, Bearer(o.Tokens) },
	}
	byBasic = &Proof{
		Name: "basic", Setting: "ALERT_BASIC",
		scheme: func(o Options) (Secrets, Scheme) { return o.Basic.Secrets, Basic(o.Basic) },
	}
)

// Proofs lists all ways for programs to prove their identity.
var Proofs = []*Proof{byStandard, byGitHub, byGrafana, byBearer, byBasic}

// Machine is a route for programs. The routes for people are in package chatops.
type Machine struct {
	Path string
	// Proofs lists the proofs that the route accepts. The route is open if the setting of
	// any of them is set.
	Proofs  []*Proof
	methods string // in the form of the header Allow; "" for POST
	media   func(string) bool
	// handshakes says that the route answers the handshake of CloudEvents, if origins are
	// set.
	handshakes bool
	serve      func(*Handler, *request)
}

// Machines lists all routes for programs.
var Machines = []Machine{
	{Path: "/ssl", Proofs: []*Proof{byStandard, byGitHub, byBearer, byBasic}, media: isJSONOrForm, serve: (*Handler).ssl},
	{Path: "/alertmanager", Proofs: []*Proof{byBearer, byBasic}, media: isJSON, serve: (*Handler).alertmanager},
	{Path: "/grafana", Proofs: []*Proof{byGrafana, byBearer, byBasic}, methods: "POST, PUT", media: isJSON, serve: (*Handler).grafana},
	{Path: "/cloudevents", Proofs: []*Proof{byStandard, byBearer, byBasic}, media: isCloudEvents, handshakes: true, serve: (*Handler).cloudEvents},
}

// Healthz is a path that is always open and needs no secret.
const Healthz = "/healthz"

// Settings lists the settings that open the route. One of them is enough. The names have
// no prefix.
func (m Machine) Settings() (names []string) {
	for _, p := range m.Proofs {
		names = append(names, p.Setting)
	}
	return names
}

// route is the machine's route with the schemes whose secrets are set.
func (m Machine) route(o Options) route {
	r := route{methods: m.methods, limit: maxEvents, media: m.media, serve: m.serve}
	if m.handshakes && len(o.Origins) > 0 {
		r.methods, r.unsigned = "POST, OPTIONS", (*Handler).handshake
	}
	for _, p := range m.Proofs {
		if secrets, scheme := p.scheme(o); len(secrets) > 0 {
			r.schemes = append(r.schemes, scheme)
		}
	}
	return r
}
