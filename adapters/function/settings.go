package function

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	_ "time/tzdata" // a function's machine may have no zones, which a window may name

	"github.com/caarlos0/env/v11"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/notify"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/cachain"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Prefix begins the name of every setting's environment variable.
const Prefix = "TAIRSSL_"

// Settings are the operator's, one environment variable each; a plural takes a
// comma-separated list, and an empty variable counts as one that is not set.
type Settings struct {
	Region             []string                `env:"REGION" envDefault:"cn-hangzhou" help:"region ids; the instances of these, and no others, are read and changed"`
	Endpoint           tair.Endpoint           `env:"ENDPOINT" help:"URL of the OpenAPI, {region} in it becomes the region's id; vpc for the endpoints inside a VPC; default the public ones"`
	OIDCAudience       string                  `env:"OIDC_AUDIENCE" envDefault:"sts.aliyuncs.com" help:"whom an identity token is made for: a client ID of the identity provider in RAM"`
	STSEndpoint        tair.Endpoint           `env:"STS_ENDPOINT" help:"URL of Alibaba's STS, {region} in it becomes the first region's id; vpc for the one inside a VPC; default the public one"`
	CAFile             string                  `env:"CA_FILE" help:"PEM file of certificate authorities to trust beside the system's"`
	Actions            []handler.Action        `env:"ACTIONS" envDefault:"Update" help:"what may be done: Update, Enable, Disable"`
	Instances          []string                `env:"INSTANCES" envDefault:"*" help:"globs of the instance ids that may be changed; !glob excludes"`
	RenewBefore        time.Duration           `env:"RENEW_BEFORE" envDefault:"720h" help:"how long before its expiry a certificate is due"`
	Window             handler.Window          `env:"WINDOW" envDefault:"instance" help:"when automatic changes are made: instance, any, or days, times and a zone such as Sat,Sun 02:00-05:00 Asia/Shanghai"`
	WindowMissed       string                  `env:"WINDOW_MISSED" envDefault:"alert" help:"if no window opens a day before the expiry: alert, and renew in the next one; act at once"`
	Freeze             handler.Freezes         `env:"FREEZE" help:"when nothing is changed automatically: 2026-12-24/2027-01-02 Asia/Shanghai, both days whole; Fri 16:00-Mon 08:00 Asia/Shanghai, every week; several separated by commas"`
	Approval           string                  `env:"APPROVAL" envDefault:"none" help:"required: an automatic change waits until somebody approved it for that very certificate, in a chat or by tairssl approve; none: it needs no approval"`
	AlibabaRenewal     string                  `env:"ALIBABA_RENEWAL" envDefault:"leave" help:"what Alibaba itself has scheduled to renew: leave it at its time; window: move it into the next window before its deadline, which needs the right kvstore:ModifyActiveOperationTasks"`
	MaxTargets         int                     `env:"MAX_TARGETS" envDefault:"10" help:"how many instances one sweep changes at most"`
	Concurrency        int                     `env:"CONCURRENCY" envDefault:"16" help:"how many instances are worked on at once"`
	Rate               float64                 `env:"RATE" envDefault:"50" help:"API calls a second, all together; 0 for no limit"`
	Wait               time.Duration           `env:"WAIT" envDefault:"0s" help:"how long to watch a change come true, unless the request says"`
	Verify             Verify                  `env:"VERIFY" envDefault:"api" help:"what a change has to show in: api, the word of the API; tls, a TLS handshake with the instance as well, for a function that can reach it"`
	CACheck            bool                    `env:"CA_CHECK" help:"1 compares the CA of an instance before and after each Update; while one has changed, nothing else in its region is changed unattended"`
	CAAccept           cachain.Fingerprints    `env:"CA_ACCEPT" help:"SHA-256 fingerprints of new CAs that all clients trust by now: a change to one of these holds nothing up"`
	Lease              string                  `env:"LEASE" envDefault:"tag" help:"tag: a tag on the instance keeps two writers apart; none: this is the only writer"`
	LeasePause         time.Duration           `env:"LEASE_PAUSE" envDefault:"2s" help:"how soon a tag is surely visible to another reader"`
	Pause              bool                    `env:"PAUSE" help:"1 stops every change"`
	CertMap            event.CertMap           `env:"CERT_MAP" help:"which instances serve a certificate that an event names: NAME=INSTANCE[@REGION]; NAME is a common name, a wildcard or an ARN"`
	WebhookSecrets     webhook.StandardSecrets `env:"WEBHOOK_SECRETS" help:"secrets of Standard Webhooks, whsec_ and base64: opens /ssl and /cloudevents"`
	GitHubSecrets      webhook.Secrets         `env:"GITHUB_SECRETS" help:"secrets of GitHub style signatures: opens /ssl, for an Update that is due"`
	AlertTokens        webhook.Secrets         `env:"ALERT_TOKENS" help:"bearer tokens: opens /ssl, /alertmanager, /grafana and /cloudevents, for an Update that is due"`
	AlertBasic         webhook.BasicSecrets    `env:"ALERT_BASIC" help:"user:password pairs, for the same"`
	GrafanaSecrets     webhook.Secrets         `env:"GRAFANA_SECRETS" help:"secrets of Grafana's HMAC signature, with a timestamp header: opens /grafana"`
	CloudEventsOrigins []string                `env:"CLOUDEVENTS_ORIGINS" help:"origins that may shake hands on /cloudevents (WebHook-Request-Origin)"`
	chatops.Settings
	ChatAllow      chatops.Rules `env:"CHAT_ALLOW" help:"who may do what in a chat: platform:tenant/user-or-channel verbs instances, rules separated by a semicolon; none: nobody"`
	ChatReplyHosts []string      `env:"CHAT_REPLY_HOSTS" help:"hosts to which a chat's answers may be sent beside the platforms' own: your Mattermost, a relay; open.larksuite.com for an app of Lark"`
	ConfirmKey     Secret        `env:"CONFIRM_KEY" help:"key of confirmation codes and of handed work, 16 random characters or more; none: chat only reads"`
	ConfirmBy      string        `env:"CONFIRM_BY" envDefault:"self" help:"who confirms a change: self, who asked; second, somebody else with the right to"`
	NotifyURLs     notify.URLs   `env:"NOTIFY_URLS" help:"where people are told: slack://, dingtalk://, feishu://, wecom://, teams://, mattermost:// and webhook:// addresses; behind one, region=… or tag:KEY=… says of what"`
	NotifyOn       notify.On     `env:"NOTIFY_ON" envDefault:"verified,accepted" help:"which successes are told besides what always is: verified, accepted or none"`
	InvokeEndpoint URL           `env:"INVOKE_ENDPOINT" help:"URL of the cloud's invoke API, by which the function hands over what lasts longer than a chat waits; default the cloud's own, and on Lambda AWS_ENDPOINT_URL_LAMBDA"`
	LogLevel       *slog.Level   `env:"LOG_LEVEL" help:"debug, info, warn or error; default: AWS_LAMBDA_LOG_LEVEL if Lambda sets it, else info"`
	Metrics        Metrics       `env:"METRICS" envDefault:"emf" help:"on Lambda the line of each invocation carries CloudWatch metrics: emf, or emf:NAMESPACE for another namespace than tairssl; none"`

	Bundled        Bundle `env:"SETTINGS" help:"other settings, as a JSON object of variables and values such as {\"TAIRSSL_RATE\":\"20\"}; a setting must be in one place only"`
	BundledSecrets Bundle `env:"SECRETS" help:"the same for secret settings: a reference to such an object, such as secretsmanager:NAME"`

	roots *x509.CertPool
}

// ParseSettings reads the settings out of an environment as os.Environ gives
// it. Its error names every fault at once. unknown are the variables that
// begin like a setting and are none: misspelt, most likely.
func ParseSettings(environ []string) (s Settings, unknown []string, err error) {
	set := map[string]string{}
	for key, value := range env.ToMap(environ) {
		if value = strings.TrimSpace(value); value != "" && strings.HasPrefix(key, Prefix) {
			set[key] = value
		}
	}
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf(Prefix+name+": "+format, args...))
	}
	var parse env.AggregateError
	switch err := env.ParseWithOptions(&s, env.Options{Environment: set, Prefix: Prefix}); {
	case errors.As(err, &parse):
		for _, err := range parse.Errors {
			var field env.ParseError
			if errors.As(err, &field) {
				fault(nameOf(field.Name), "%v", field.Err)
				continue
			}
			faults = append(faults, err)
		}
	case err != nil:
		faults = append(faults, err)
	}

	for i, r := range s.Region {
		if s.Region[i] = strings.TrimSpace(r); !handler.ValidRegion(s.Region[i]) {
			fault("REGION", "%q is not a region id such as cn-hangzhou", r)
		}
	}
	for i, a := range s.Actions {
		a = handler.Action(strings.TrimSpace(string(a)))
		if s.Actions[i] = a; a != handler.Update && a != handler.Enable && a != handler.Disable {
			fault("ACTIONS", "%q is none of Update, Enable, Disable", a)
		}
	}
	for i, glob := range s.Instances {
		s.Instances[i] = strings.TrimSpace(glob)
		if _, err := path.Match(strings.TrimPrefix(s.Instances[i], "!"), ""); err != nil || s.Instances[i] == "" {
			fault("INSTANCES", "%q is not a glob", glob)
		}
	}
	if s.RenewBefore < 0 || s.RenewBefore > 4320*time.Hour {
		fault("RENEW_BEFORE", "%s is not between 0s and 4320h", s.RenewBefore)
	}
	if s.WindowMissed != "alert" && s.WindowMissed != "act" {
		fault("WINDOW_MISSED", "%q is neither alert nor act", s.WindowMissed)
	}
	if s.Approval != "none" && s.Approval != "required" {
		fault("APPROVAL", "%q is neither required nor none", s.Approval)
	}
	if s.AlibabaRenewal != "leave" && s.AlibabaRenewal != "window" {
		fault("ALIBABA_RENEWAL", "%q is neither leave nor window", s.AlibabaRenewal)
	}
	if s.MaxTargets < 1 || s.MaxTargets > 1000 {
		fault("MAX_TARGETS", "%d is not between 1 and 1000", s.MaxTargets)
	}
	if s.Concurrency < 1 || s.Concurrency > 256 {
		fault("CONCURRENCY", "%d is not between 1 and 256", s.Concurrency)
	}
	if !(s.Rate >= 0 && s.Rate <= 10000) {
		fault("RATE", "%v is not between 0 and 10000", s.Rate)
	}
	if s.Wait < 0 || s.Wait > 24*time.Hour {
		fault("WAIT", "%s is not between 0s and 24h", s.Wait)
	}
	if s.Lease != "tag" && s.Lease != "none" {
		fault("LEASE", "%q is neither tag nor none", s.Lease)
	}
	if s.LeasePause < 0 || s.LeasePause > time.Minute {
		fault("LEASE_PAUSE", "%s is not between 0s and 1m", s.LeasePause)
	}
	if len(s.OIDCAudience) > 1000 || strings.ContainsFunc(s.OIDCAudience, unicode.IsSpace) {
		fault("OIDC_AUDIENCE", "wants one audience, of at most 1000 characters without spaces")
	}
	if s.CAFile != "" {
		if s.roots, err = loadRoots(s.CAFile); err != nil {
			fault("CA_FILE", "%v", err)
		}
	}
	if s.ConfirmBy != "self" && s.ConfirmBy != "second" {
		fault("CONFIRM_BY", "%q is neither self nor second", s.ConfirmBy)
	}
	for i, host := range s.ChatReplyHosts {
		if s.ChatReplyHosts[i] = strings.ToLower(strings.TrimSpace(host)); !hostPattern().MatchString(s.ChatReplyHosts[i]) {
			fault("CHAT_REPLY_HOSTS", "%q is not a host name", host)
		}
	}
	for i, origin := range s.CloudEventsOrigins {
		if s.CloudEventsOrigins[i] = strings.ToLower(strings.TrimSpace(origin)); !hostPattern().MatchString(s.CloudEventsOrigins[i]) {
			fault("CLOUDEVENTS_ORIGINS", "%q is not a host name", origin)
		}
	}
	if slices.Contains(strings.Split(env.ToMap(environ)["DEBUG"], ","), "sdk") {
		faults = append(faults, errors.New("DEBUG=sdk makes Alibaba's SDK print signed requests: unset it"))
	}

	known := names()
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if !slices.Contains(known, strings.TrimPrefix(key, Prefix)) {
			unknown = append(unknown, key)
		}
	}
	return s, unknown, errors.Join(faults...)
}

var hostPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
})

// Secret is a setting that shows in no log or text.
type Secret = chatops.Secret

// fields are the settings': those of the chats stand in structs of their own.
func fields() (fields []reflect.StructField) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		if f.Tag.Get("env") != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// names are the settings' names, without the prefix.
func names() (names []string) {
	for _, f := range fields() {
		names = append(names, f.Tag.Get("env"))
	}
	return names
}

// nameOf is the variable of a field.
func nameOf(field string) string {
	if f, ok := reflect.TypeFor[Settings]().FieldByName(field); ok {
		return f.Tag.Get("env")
	}
	return field
}

// loadRoots adds a file's authorities to the system's.
func loadRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return roots, nil
}

// Fleet wires the instances behind Alibaba's API. The caller closes the client.
func (s Settings) Fleet(c tair.Credentials, log *slog.Logger) (*fleet.Fleet, *tair.Client) {
	limit := s.Rate
	if limit == 0 {
		limit = -1
	}
	client := tair.New(c, tair.Options{Endpoint: s.Endpoint, RootCAs: s.roots, Rate: limit, Regions: s.Region})
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

// Roots are the authorities to trust: nil for the system's, or those with
// CA_FILE's beside them.
func (s Settings) Roots() *x509.CertPool { return s.roots }

// Help says what a setting's variable takes, "" for what is no setting.
func Help(variable string) string {
	name, ok := strings.CutPrefix(variable, Prefix)
	for _, f := range fields() {
		if ok && f.Tag.Get("env") == name {
			return f.Tag.Get("help")
		}
	}
	return ""
}

// SettingsTable gives a row of a Markdown table for each setting: variable,
// default, meaning.
func SettingsTable() (rows []string) {
	for _, f := range fields() {
		otherwise := f.Tag.Get("envDefault")
		if otherwise != "" {
			otherwise = "`" + otherwise + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s%s` | %s | %s |", Prefix, f.Tag.Get("env"), otherwise, f.Tag.Get("help")))
	}
	return rows
}
