package webhook

import (
	"fmt"
	"net/http"
	"time"
)

// Proof is a way in which a program proves who it is: a scheme, and the setting that
// holds its secrets.
type Proof struct {
	Name    string // of the scheme, as the log has it
	Setting string // without the prefix
	// Sign gives the headers for a body; nil: the sender shows the secret itself.
	Sign func(secret string, now time.Time, body []byte) (http.Header, error)
	// scheme gives the scheme, and the secrets without which it accepts nothing.
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
	// A static secret covers nothing. Many monitors can send nothing else.
	byBearer = &Proof{
		Name: "bearer", Setting: "ALERT_TOKENS",
		scheme: func(o Options) (Secrets, Scheme) { return o.Tokens, Bearer(o.Tokens) },
	}
	byBasic = &Proof{
		Name: "basic", Setting: "ALERT_BASIC",
		scheme: func(o Options) (Secrets, Scheme) { return o.Basic.Secrets, Basic(o.Basic) },
	}
)

// Proofs are all that programs may use.
var Proofs = []*Proof{byStandard, byGitHub, byGrafana, byBearer, byBasic}

// Machine is a route for programs. Routes for people are those of package chatops.
type Machine struct {
	Path string
	// Proofs are those that the route takes. The route is open if one of their
	// settings is set.
	Proofs  []*Proof
	methods string // as in the header Allow; "" for POST
	media   func(string) bool
	// handshakes says that the route answers the handshake of CloudEvents, if
	// origins are set.
	handshakes bool
	serve      func(*Handler, *request)
}

// Machines are all routes for programs.
var Machines = []Machine{
	{Path: "/ssl", Proofs: []*Proof{byStandard, byGitHub, byBearer, byBasic}, media: isJSONOrForm, serve: (*Handler).ssl},
	{Path: "/alertmanager", Proofs: []*Proof{byBearer, byBasic}, media: isJSON, serve: (*Handler).alertmanager},
	{Path: "/grafana", Proofs: []*Proof{byGrafana, byBearer, byBasic}, methods: "POST, PUT", media: isJSON, serve: (*Handler).grafana},
	{Path: "/cloudevents", Proofs: []*Proof{byStandard, byBearer, byBasic}, media: isCloudEvents, handshakes: true, serve: (*Handler).cloudEvents},
}

// Healthz is the path that always answers, without a secret.
const Healthz = "/healthz"

// Settings are those each of which opens the route, without the prefix.
func (m Machine) Settings() (names []string) {
	for _, p := range m.Proofs {
		names = append(names, p.Setting)
	}
	return names
}

// route is the machine's with the schemes whose secrets are there.
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
