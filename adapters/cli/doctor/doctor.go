// Package doctor looks for what keeps a deployment from renewing certificates,
// before a certificate has to be renewed: wrong settings, a credential that is
// refused, a clock that is off, an endpoint out of reach, missing rights, a
// window that opens too late, tags that show too late for the lease, people who
// would not be told.
//
// [Examine] makes the checks, in the order of [Checks], and gives a [Finding]
// for each. It changes no instance and restarts none; what it sends that could
// change one, and why it cannot, is in rights.go. It writes a tag only with
// [Options].TagProbe, and removes it again.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// State is what came of a check.
type State string

// The states. Only Failed makes the examination one.
const (
	OK      State = "ok"
	Warning State = "warning" // it works, and something is advisable
	Unknown State = "unknown" // it cannot be told without changing something
	Failed  State = "failed"
	Skipped State = "skipped" // Found says why
)

// The checks.
const (
	Settings     = "settings"
	Credentials  = "credentials"
	Clock        = "clock"
	Endpoint     = "endpoint"
	Permission   = "permission"
	Region       = "region"
	Instance     = "instance"
	Handshake    = "handshake"
	CA           = "ca"
	Route        = "route"
	Window       = "window"
	Lease        = "lease"
	Notification = "notification"
)

// Checks are all checks, in the order in which they are shown.
var Checks = []string{Settings, Credentials, Clock, Endpoint, Permission, Region, Instance, Handshake, CA, Route, Window, Lease, Notification}

// Finding is what one check found of one thing.
type Finding struct {
	Check string
	On    string `json:",omitempty"` // the setting, region, action, route or host
	State State
	Found string
	Fix   string `json:",omitempty"` // what to do, if something is to be done
	// Kind is why it failed, and Code what the API called that.
	Kind      handler.Kind `json:",omitempty"`
	Code      string       `json:",omitempty"`
	RequestID string       `json:"RequestId,omitempty"`
}

// Options say what to examine; Environ is needed.
type Options struct {
	Environ []string // as os.Environ gives it
	// Credentials, if set, sign the calls instead of those that Environ names.
	// Source says where they come from, for people.
	Credentials tair.Credentials
	Source      string
	// Instance, if set, is looked at more closely. It is named as people do: see
	// [handler.Handler.Find].
	Instance string
	TagProbe bool // write a tag on Instance, to see how soon it shows
	Notify   bool // send a test message to every place
	// Limit bounds it all; default 1m.
	Limit time.Duration
	// Transport sends test messages; default that of notices.
	Transport http.RoundTripper
	Now       func() time.Time // default time.Now
}

const defaultLimit = time.Minute

// examination is one run.
type examination struct {
	Options
	ctx      context.Context
	settings function.Settings
	fleet    *fleet.Fleet
	client   *tair.Client

	// What the first checks find, for the later ones.
	who      tair.Identity
	rejected bool            // no credential, or one that is refused
	silent   map[string]bool // the regions whose endpoint does not answer
	subject  subject
	censuses map[string]census // by region
}

var errLimit = errors.New("the time limit")

// Examine makes the checks, those that do not need each other at the same time.
// It returns when they are done, within the limit, or when ctx ends; what was
// not found out by then says so.
func Examine(ctx context.Context, o Options) []Finding {
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, errLimit)
	defer cancel()
	x := &examination{Options: o, ctx: ctx}
	settings, ok := x.readSettings()
	if !ok {
		for _, check := range Checks[1:] {
			settings = append(settings, skip(check, "", "it needs the settings, which are wrong"))
		}
		return settings
	}
	if x.Credentials == nil {
		x.Credentials = x.settings.Credentials(x.Environ, nil)
	}
	x.fleet, x.client = x.settings.Fleet(x.Credentials, slog.New(slog.DiscardHandler))
	defer x.client.Close()

	var credentials, clock, endpoints, rights, regions, instance, handshakes, authorities, window, lease, notices []Finding
	together(
		func() { credentials = x.credentials() },
		func() { clock, endpoints = x.reach() },
		func() { notices = x.notices() },
	)
	x.find()
	var look look
	together(
		func() { rights, regions = x.reads() },
		func() { look = x.look() },
	)
	instance, window = x.instance(look), x.window(look)
	together(
		func() { handshakes = x.handshakes(look) },
		func() { authorities = x.authorities(look) },
	)
	lease, tags := x.visibility(look)
	rights = append(rights, x.writes(tags)...)
	return slices.Concat(settings, credentials, clock, endpoints, rights, regions, instance, handshakes, authorities, x.routes(), window, lease, notices)
}

// together does all at the same time and returns when all are done.
func together(checks ...func()) {
	var all sync.WaitGroup
	for _, check := range checks {
		all.Go(check)
	}
	all.Wait()
}

func pass(check, on, format string, args ...any) Finding {
	return Finding{Check: check, On: on, State: OK, Found: fmt.Sprintf(format, args...)}
}

// skipped is the finding of a check that was not made, cut short or not.
func (x *examination) skipped(check, on, why string) Finding {
	if over := x.over(); over != "" {
		return x.cutShort(check, on, over)
	}
	return skip(check, on, why)
}

func skip(check, on, why string) Finding {
	return Finding{Check: check, On: on, State: Skipped, Found: why}
}

func warn(check, on, found, fix string) Finding {
	return Finding{Check: check, On: on, State: Warning, Found: found, Fix: fix}
}

func unknown(check, on, found, fix string) Finding {
	return Finding{Check: check, On: on, State: Unknown, Found: found, Fix: fix}
}

func fail(check, on string, kind handler.Kind, found, fix string) Finding {
	return Finding{Check: check, On: on, State: Failed, Kind: kind, Found: found, Fix: fix}
}

// remedies is what to do about a failed call, where nothing more is known.
var remedies = map[handler.Kind]string{
	handler.Invalid:     "name it by its id",
	handler.NotFound:    "check the id, and --region or TAIRSSL_REGION",
	handler.Throttled:   "try again; lower TAIRSSL_RATE if it is frequent",
	handler.Unavailable: "try again; see the endpoint and the clock above",
	handler.Forbidden:   "see the credentials above",
}

// called is the finding of a call that failed.
func (x *examination) called(check, on string, err error) Finding {
	if why := x.over(); why != "" {
		return x.cutShort(check, on, why)
	}
	e := handler.AsError(err)
	f := fail(check, on, e.Kind, e.Message, remedies[e.Kind])
	if errors.Is(err, handler.ErrRegion) { // no right is missing
		f.Fix = "add the region to TAIRSSL_REGION, if its instances are to be renewed"
	}
	f.Code, f.RequestID = e.Code, e.RequestID
	return f
}

// over says why the examination has to end, "" if it need not.
func (x *examination) over() string {
	switch {
	case x.ctx.Err() == nil:
		return ""
	case errors.Is(context.Cause(x.ctx), errLimit):
		return fmt.Sprintf("the time limit of %s ran out", x.Limit)
	}
	return "interrupted"
}

// cutShort is the finding of a check that could not be made to its end.
func (x *examination) cutShort(check, on, why string) Finding {
	if errors.Is(context.Cause(x.ctx), errLimit) {
		return fail(check, on, handler.Unavailable, why, "raise --timeout")
	}
	return skip(check, on, why)
}

// ExitCode is the worst of the findings'.
func ExitCode(findings []Finding) (code int) {
	for _, f := range findings {
		if f.State == Failed {
			code = max(code, f.Kind.ExitCode())
		}
	}
	return code
}
