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

// Settings are the operator's settings. Each is one environment variable. A setting with a
// plural name takes a comma-separated list. An empty variable counts as not set.
//
// The tags of a field say all about its setting: env is the name without the prefix,
// envDefault the default, and help its row in the README. words lists the accepted texts.
// range has the least and the greatest value.
type Settings struct {
	Region             Regions                 `env:"REGION" envDefault:"cn-hangzhou" help:"region ids; only the instances in these regions are read and changed"`
	Endpoint           tair.Endpoint           `env:"ENDPOINT" help:"URL of the OpenAPI, {region} in it becomes the region's id; vpc for the endpoints inside a VPC; default the public ones"`
	OIDCAudience       Audience                `env:"OIDC_AUDIENCE" envDefault:"sts.aliyuncs.com" help:"the audience of an identity token: a client ID of the identity provider in RAM"`
	STSEndpoint        tair.Endpoint           `env:"STS_ENDPOINT" help:"URL of Alibaba's STS, {region} in it becomes the first region's id; vpc for the one inside a VPC; default the public one"`
	CAFile             RootCAs                 `env:"CA_FILE" help:"PEM file of certificate authorities to trust, in addition to the system's"`
	Actions            Actions                 `env:"ACTIONS" envDefault:"Update" help:"the changes that are allowed: Update, Enable, Disable"`
	Instances          Globs                   `env:"INSTANCES" envDefault:"*" help:"globs of the instance ids that may be changed; !glob excludes"`
	RenewBefore        time.Duration           `env:"RENEW_BEFORE" envDefault:"720h" range:"0s 4320h" help:"how long before its expiry a certificate is due"`
	Window             handler.Window          `env:"WINDOW" envDefault:"instance" help:"when automatic changes are made: instance, any, or days, times and a zone such as Sat,Sun 02:00-05:00 Asia/Shanghai"`
	WindowMissed       string                  `env:"WINDOW_MISSED" envDefault:"alert" words:"alert act" help:"what happens if no window opens until a day before the expiry: alert, people are told and the next window is used; act, the change is made at once"`
	Freeze             handler.Freezes         `env:"FREEZE" help:"when no automatic change is made: 2026-12-24/2027-01-02 Asia/Shanghai, from the first day to the end of the last; Fri 16:00-Mon 08:00 Asia/Shanghai, every week; several separated by commas"`
	Approval           string                  `env:"APPROVAL" envDefault:"none" words:"required none" help:"required: an automatic change waits until somebody has approved it for this certificate, in a chat or by tairssl approve; none: it needs no approval"`
	AlibabaRenewal     string                  `env:"ALIBABA_RENEWAL" envDefault:"leave" words:"leave window" help:"renewals that Alibaba itself has scheduled: leave, they stay at their time; window, they are moved into the next window before their deadline, which needs the right kvstore:ModifyActiveOperationTasks"`
	MaxTargets         int                     `env:"MAX_TARGETS" envDefault:"10" range:"1 1000" help:"the greatest number of instances that one sweep changes"`
	Concurrency        int                     `env:"CONCURRENCY" envDefault:"16" range:"1 256" help:"how many instances are handled at the same time"`
	Rate               float64                 `env:"RATE" envDefault:"50" range:"0 10000" help:"limit of API calls a second, for all instances together; 0 for no limit"`
	Wait               time.Duration           `env:"WAIT" envDefault:"0s" range:"0s 24h" help:"how long to wait until a change has taken effect, if the request names no time"`
	Verify             Verify                  `env:"VERIFY" envDefault:"api" words:"api tls" help:"what proves that a change has taken effect: api, the API reports it; tls, a TLS handshake with the instance shows it, too, and the function must be able to reach the instance"`
	CACheck            bool                    `env:"CA_CHECK" help:"1 compares the CA of an instance before and after each Update; while one has changed, nothing else in its region is changed unattended"`
	CAAccept           cachain.Fingerprints    `env:"CA_ACCEPT" help:"SHA-256 fingerprints of new CAs that all clients trust by now; a change to one of these CAs stops nothing"`
	Lease              string                  `env:"LEASE" envDefault:"tag" words:"tag none" help:"tag: a tag on the instance keeps two writers apart; none: no tag is set, because this function is the only writer"`
	LeasePause         time.Duration           `env:"LEASE_PAUSE" envDefault:"2s" range:"0s 1m" help:"the time after which every reader sees a new tag"`
	Pause              bool                    `env:"PAUSE" help:"1 stops every change"`
	CertMap            event.CertMap           `env:"CERT_MAP" help:"the instances that serve a certificate, for events that name only the certificate: NAME=INSTANCE[@REGION]; NAME is a common name, a wildcard or an ARN"`
	WebhookSecrets     webhook.StandardSecrets `env:"WEBHOOK_SECRETS" help:"secrets of Standard Webhooks, whsec_ and base64: opens /ssl and /cloudevents"`
	GitHubSecrets      webhook.Secrets         `env:"GITHUB_SECRETS" help:"secrets of GitHub style signatures: opens /ssl, for an Update that is due"`
	AlertTokens        webhook.Secrets         `env:"ALERT_TOKENS" help:"bearer tokens: opens /ssl, /alertmanager, /grafana and /cloudevents, for an Update that is due"`
	AlertBasic         webhook.BasicSecrets    `env:"ALERT_BASIC" help:"user:password pairs: open the same routes as ALERT_TOKENS, for an Update that is due"`
	GrafanaSecrets     webhook.Secrets         `env:"GRAFANA_SECRETS" help:"secrets of Grafana's HMAC signature, with a timestamp header: opens /grafana"`
	CloudEventsOrigins Hosts                   `env:"CLOUDEVENTS_ORIGINS" help:"origins that may shake hands on /cloudevents (WebHook-Request-Origin)"`
	chatops.Settings
	ChatAllow      chatops.Rules `env:"CHAT_ALLOW" help:"who may do what in a chat: platform:tenant/user-or-channel verbs instances, rules separated by a semicolon; without a rule nobody may do anything"`
	ChatReplyHosts Hosts         `env:"CHAT_REPLY_HOSTS" help:"hosts to which answers in chats may be sent, in addition to the platforms' own hosts: your Mattermost, a relay; open.larksuite.com for an app of Lark"`
	ConfirmKey     Secret        `env:"CONFIRM_KEY" help:"key of confirmation codes and of work that the function hands to itself, 16 random characters or more; without it, chats can only read"`
	ConfirmBy      string        `env:"CONFIRM_BY" envDefault:"self" words:"self second" help:"who confirms a change: self, the person who asked for it; second, another person who may do the same"`
	NotifyURLs     notify.URLs   `env:"NOTIFY_URLS" help:"addresses to which notices go: slack://, dingtalk://, feishu://, wecom://, teams://, mattermost:// and webhook://; words behind an address, region=… or tag:KEY=…, select the instances of its notices"`
	NotifyOn       notify.On     `env:"NOTIFY_ON" envDefault:"verified,accepted" help:"successes that cause a notice, in addition to the notices that are always sent: verified, accepted or none"`
	InvokeEndpoint URL           `env:"INVOKE_ENDPOINT" help:"URL of the cloud's invoke API, by which the function hands work to itself that takes longer than a chat waits; default the cloud's own, and on Lambda AWS_ENDPOINT_URL_LAMBDA"`
	LogLevel       *slog.Level   `env:"LOG_LEVEL" help:"debug, info, warn or error; default: AWS_LAMBDA_LOG_LEVEL if Lambda sets it, else info"`
	Metrics        Metrics       `env:"METRICS" envDefault:"emf" help:"on Lambda, the log line of each invocation contains CloudWatch metrics: emf, or emf:NAMESPACE for another namespace than tairssl; none"`

	Bundled        Bundle `env:"SETTINGS" help:"other settings, as a JSON object of variables and values such as {\"TAIRSSL_RATE\":\"20\"}; a setting must be in one place only"`
	BundledSecrets Bundle `env:"SECRETS" help:"the same for secret settings: a reference to such an object, for example secretsmanager:NAME"`
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
		if form := formOf(f.Type); err != nil && form != "" {
			err = fmt.Errorf("%q is not %s", handler.Clip(set[Prefix+f.Tag.Get("env")]), form)
		}
		if err == nil {
			err = outOfBounds(f.Tag, values.FieldByIndex(f.Index))
		}
		if err != nil {
			faults = append(faults, faultsOf(Prefix+f.Tag.Get("env"), err))
		}
	}
	return faults
}

// formOf says what a value of a plain type has to be; "" for a type that checks itself.
func formOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a time such as 720h"
	case reflect.TypeFor[bool]():
		return "1 or 0"
	case reflect.TypeFor[int]():
		return "a whole number"
	case reflect.TypeFor[float64]():
		return "a number"
	}
	return ""
}

// outOfBounds checks a value by the tags words and range of its field.
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
