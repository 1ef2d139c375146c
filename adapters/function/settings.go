package function

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "time/tzdata" // windows may name a time zone, and a function's machine may have no zone files

	"github.com/caarlos0/env/v11"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/notify"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/cachain"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// Prefix begins the name of every setting's environment variable.
const Prefix = "TAIRSSL_"

// Settings are the operator's settings. Each is one environment variable. A plural one
// takes a comma-separated list. An empty variable counts as not set.
type Settings struct {
	Region             Regions                 `env:"REGION" envDefault:"cn-hangzhou" help:"region ids; the instances of these, and no others, are read and changed"`
	Endpoint           tair.Endpoint           `env:"ENDPOINT" help:"URL of the OpenAPI, {region} in it becomes the region's id; vpc for the endpoints inside a VPC; default the public ones"`
	OIDCAudience       Audience                `env:"OIDC_AUDIENCE" envDefault:"sts.aliyuncs.com" help:"whom an identity token is made for: a client ID of the identity provider in RAM"`
	STSEndpoint        tair.Endpoint           `env:"STS_ENDPOINT" help:"URL of Alibaba's STS, {region} in it becomes the first region's id; vpc for the one inside a VPC; default the public one"`
	CAFile             RootCAs                 `env:"CA_FILE" help:"PEM file of certificate authorities to trust beside the system's"`
	Actions            Actions                 `env:"ACTIONS" envDefault:"Update" help:"what may be done: Update, Enable, Disable"`
	Instances          Globs                   `env:"INSTANCES" envDefault:"*" help:"globs of the instance ids that may be changed; !glob excludes"`
	RenewBefore        time.Duration           `env:"RENEW_BEFORE" envDefault:"720h" range:"0s 4320h" help:"how long before its expiry a certificate is due"`
	Window             handler.Window          `env:"WINDOW" envDefault:"instance" help:"when automatic changes are made: instance, any, or days, times and a zone such as Sat,Sun 02:00-05:00 Asia/Shanghai"`
	WindowMissed       string                  `env:"WINDOW_MISSED" envDefault:"alert" words:"alert act" help:"if no window opens a day before the expiry: alert, and renew in the next one; act at once"`
	Freeze             handler.Freezes         `env:"FREEZE" help:"when nothing is changed automatically: 2026-12-24/2027-01-02 Asia/Shanghai, both days whole; Fri 16:00-Mon 08:00 Asia/Shanghai, every week; several separated by commas"`
	Approval           string                  `env:"APPROVAL" envDefault:"none" words:"required none" help:"required: an automatic change waits until somebody approved it for that very certificate, in a chat or by tairssl approve; none: it needs no approval"`
	AlibabaRenewal     string                  `env:"ALIBABA_RENEWAL" envDefault:"leave" words:"leave window" help:"what Alibaba itself has scheduled to renew: leave it at its time; window: move it into the next window before its deadline, which needs the right kvstore:ModifyActiveOperationTasks"`
	MaxTargets         int                     `env:"MAX_TARGETS" envDefault:"10" range:"1 1000" help:"how many instances one sweep changes at most"`
	Concurrency        int                     `env:"CONCURRENCY" envDefault:"16" range:"1 256" help:"how many instances are worked on at once"`
	Rate               float64                 `env:"RATE" envDefault:"50" range:"0 10000" help:"API calls a second, all together; 0 for no limit"`
	Wait               time.Duration           `env:"WAIT" envDefault:"0s" range:"0s 24h" help:"how long to watch a change come true, unless the request says"`
	Verify             Verify                  `env:"VERIFY" envDefault:"api" words:"api tls" help:"what a change has to show in: api, the word of the API; tls, a TLS handshake with the instance as well, for a function that can reach it"`
	CACheck            bool                    `env:"CA_CHECK" help:"1 compares the CA of an instance before and after each Update; while one has changed, nothing else in its region is changed unattended"`
	CAAccept           cachain.Fingerprints    `env:"CA_ACCEPT" help:"SHA-256 fingerprints of new CAs that all clients trust by now: a change to one of these holds nothing up"`
	Lease              string                  `env:"LEASE" envDefault:"tag" words:"tag none" help:"tag: a tag on the instance keeps two writers apart; none: this is the only writer"`
	LeasePause         time.Duration           `env:"LEASE_PAUSE" envDefault:"2s" range:"0s 1m" help:"how soon a tag is surely visible to another reader"`
	Pause              bool                    `env:"PAUSE" help:"1 stops every change"`
	CertMap            event.CertMap           `env:"CERT_MAP" help:"which instances serve a certificate that an event names: NAME=INSTANCE[@REGION]; NAME is a common name, a wildcard or an ARN"`
	WebhookSecrets     webhook.StandardSecrets `env:"WEBHOOK_SECRETS" help:"secrets of Standard Webhooks, whsec_ and base64: opens /ssl and /cloudevents"`
	GitHubSecrets      webhook.Secrets         `env:"GITHUB_SECRETS" help:"secrets of GitHub style signatures: opens /ssl, for an Update that is due"`
	AlertTokens        webhook.Secrets         `env:"ALERT_TOKENS" help:"bearer tokens: opens /ssl, /alertmanager, /grafana and /cloudevents, for an Update that is due"`
	AlertBasic         webhook.BasicSecrets    `env:"ALERT_BASIC" help:"user:password pairs, for the same"`
	GrafanaSecrets     webhook.Secrets         `env:"GRAFANA_SECRETS" help:"secrets of Grafana's HMAC signature, with a timestamp header: opens /grafana"`
	CloudEventsOrigins Hosts                   `env:"CLOUDEVENTS_ORIGINS" help:"origins that may shake hands on /cloudevents (WebHook-Request-Origin)"`
	chatops.Settings
	ChatAllow      chatops.Rules `env:"CHAT_ALLOW" help:"who may do what in a chat: platform:tenant/user-or-channel verbs instances, rules separated by a semicolon; none: nobody"`
	ChatReplyHosts Hosts         `env:"CHAT_REPLY_HOSTS" help:"hosts to which a chat's answers may be sent beside the platforms' own: your Mattermost, a relay; open.larksuite.com for an app of Lark"`
	ConfirmKey     Secret        `env:"CONFIRM_KEY" help:"key of confirmation codes and of handed work, 16 random characters or more; none: chat only reads"`
	ConfirmBy      string        `env:"CONFIRM_BY" envDefault:"self" words:"self second" help:"who confirms a change: self, who asked; second, somebody else with the right to"`
	NotifyURLs     notify.URLs   `env:"NOTIFY_URLS" help:"where people are told: slack://, dingtalk://, feishu://, wecom://, teams://, mattermost:// and webhook:// addresses; behind one, region=… or tag:KEY=… says of what"`
	NotifyOn       notify.On     `env:"NOTIFY_ON" envDefault:"verified,accepted" help:"which successes are told besides what always is: verified, accepted or none"`
	InvokeEndpoint URL           `env:"INVOKE_ENDPOINT" help:"URL of the cloud's invoke API, by which the function hands over what lasts longer than a chat waits; default the cloud's own, and on Lambda AWS_ENDPOINT_URL_LAMBDA"`
	LogLevel       *slog.Level   `env:"LOG_LEVEL" help:"debug, info, warn or error; default: AWS_LAMBDA_LOG_LEVEL if Lambda sets it, else info"`
	Metrics        Metrics       `env:"METRICS" envDefault:"emf" help:"on Lambda the line of each invocation carries CloudWatch metrics: emf, or emf:NAMESPACE for another namespace than tairssl; none"`

	Bundled        Bundle `env:"SETTINGS" help:"other settings, as a JSON object of variables and values such as {\"TAIRSSL_RATE\":\"20\"}; a setting must be in one place only"`
	BundledSecrets Bundle `env:"SECRETS" help:"the same for secret settings: a reference to such an object, such as secretsmanager:NAME"`
}

// ParseSettings reads the settings from an environment in the form of os.Environ.
// The error names every fault at once. unknown are the variables that begin like a
// setting but are not one. Most of them are misspelt.
func ParseSettings(environ []string) (s Settings, unknown []string, err error) {
	set := map[string]string{}
	for key, value := range env.ToMap(environ) {
		if value = strings.TrimSpace(value); value != "" && strings.HasPrefix(key, Prefix) {
			set[key] = value
		}
	}
	faults := parse(&s, set)
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

// parse fills in the settings and returns their faults. The tags words and range check
// plain words and numbers. All other types check themselves in UnmarshalText.
func parse(s *Settings, set map[string]string) (faults []error) {
	wrong := map[string]error{} // by the name of the field
	switch err := env.ParseWithOptions(s, env.Options{Environment: set, Prefix: Prefix}).(type) {
	case nil:
	case env.AggregateError:
		for _, err := range err.Errors {
			var field env.ParseError
			if errors.As(err, &field) {
				wrong[field.Name] = field.Err
				continue
			}
			faults = append(faults, err)
		}
	default:
		faults = append(faults, err)
	}
	values := reflect.ValueOf(s).Elem()
	for _, f := range fields() {
		err := wrong[f.Name]
		if err == nil {
			err = outOfBounds(f.Tag, values.FieldByIndex(f.Index))
		}
		if err != nil {
			faults = append(faults, faultsOf(Prefix+f.Tag.Get("env"), err))
		}
	}
	return faults
}

// outOfBounds checks a value by the tags of its field. words lists the accepted texts.
// range has the least and the greatest number or duration.
func outOfBounds(tag reflect.StructTag, v reflect.Value) error {
	if words := strings.Fields(tag.Get("words")); len(words) > 0 && !slices.Contains(words, v.String()) {
		return fmt.Errorf("%q is neither %s", handler.Clip(v.String()), strings.Join(words, " nor "))
	}
	least, greatest, bounded := strings.Cut(tag.Get("range"), " ")
	if bounded && !(number(least) <= numberOf(v) && numberOf(v) <= number(greatest)) { // NaN is out of bounds, too
		return fmt.Errorf("%v is not between %s and %s", v.Interface(), least, greatest)
	}
	return nil
}

// number reads a bound. A duration becomes nanoseconds.
func number(text string) float64 {
	if d, err := time.ParseDuration(text); err == nil {
		return float64(d)
	}
	n, _ := strconv.ParseFloat(text, 64) // a test checks that every bound can be read
	return n
}

// numberOf gives a number or a duration as a float64.
func numberOf(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}
