// Package doctor looks for what keeps a deployment from renewing certificates,
// before a certificate has to be renewed: wrong settings, a refused credential,
// a wrong clock, an unreachable endpoint, missing rights, a window that opens too
// late, a lease pause that is too short, a notice that reaches nobody.
//
// [Examine] makes the checks in the order of [Checks] and returns at least one
// [Finding] for each. It changes and restarts no instance; probe.go lists the
// writing calls that it sends and says why they are harmless. It writes a tag only
// with [Options].TagProbe, and removes the tag again.
package doctor

import (
	"cmp"
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

// Options says what to examine. Only Environ is required.
type Options struct {
	Environ []string // in the form of os.Environ
	// Credentials, if set, signs the calls instead of the credential in Environ.
	// Source describes its origin for people.
	Credentials tair.Credentials
	Source      string
	// Instance, if set, is examined more closely. It is an id, an endpoint or a
	// name: see [handler.Handler.Find].
	Instance string
	TagProbe bool // write a tag on Instance, to measure how soon reads show it
	Notify   bool // send a test message to every place in TAIRSSL_NOTIFY_URLS
	// Limit is the time limit of the whole examination; default 1m.
	Limit time.Duration
	// Transport sends test messages; default: the transport of notices.
	Transport http.RoundTripper
	Now       func() time.Time // default time.Now
}

const defaultLimit = time.Minute

// examination is one run of all checks.
type examination struct {
	Options
	ctx      context.Context
	settings function.Settings
	fleet    *fleet.Fleet
	client   *tair.Client

	// The results of the first checks, which later checks use.
	who      tair.Identity
	rejected bool            // there is no credential, or Alibaba refuses it
	silent   map[string]bool // regions whose endpoint does not answer
	subject  subject
	censuses map[string]census // by region
}

var errLimit = errors.New("the time limit")

// Examine makes all checks; independent checks run at the same time. It returns
// when they are done, when the limit is reached, or when ctx ends. A check that did
// not finish in time has a finding that says so.
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
			settings = append(settings, skip(check, "", "not checked, because the settings are wrong"))
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

// together runs all checks at the same time and returns when all are done.
func together(checks ...func()) {
	var all sync.WaitGroup
	for _, check := range checks {
		all.Go(check)
	}
	all.Wait()
}

// each calls do for all things at the same time. The results are in the order of
// the things.
func each[T, R any](things []T, do func(T) R) []R {
	results := make([]R, len(things))
	var all sync.WaitGroup
	for i, thing := range things {
		all.Go(func() { results[i] = do(thing) })
	}
	all.Wait()
	return results
}

// over returns the reason why the examination has to end, or "" if it goes on.
func (x *examination) over() string {
	switch {
	case x.ctx.Err() == nil:
		return ""
	case errors.Is(context.Cause(x.ctx), errLimit):
		return fmt.Sprintf("the time limit of %s ran out", x.Limit)
	}
	return "interrupted"
}

// barred returns the reason why no call can be made in a region, or "" if calls
// can be made.
func (x *examination) barred(region string) string {
	switch {
	case x.over() != "":
		return x.over()
	case x.rejected:
		return "not checked without a valid credential"
	case x.silent[region]:
		return "the endpoint of " + region + " does not answer"
	}
	return ""
}

// remedies is the doctor's advice for a failed call, by kind. It is more exact than
// [handler.Kind.NextStep], because the person who runs the doctor sees its other findings.
var remedies = map[handler.Kind]string{
	handler.Invalid:     "name the instance by its id",
	handler.NotFound:    "check the id, and --region or TAIRSSL_REGION",
	handler.Throttled:   "try again; lower TAIRSSL_RATE if this happens often",
	handler.Unavailable: "check the endpoint and the clock above, then try again",
	handler.Forbidden:   "check the credentials above",
	handler.Internal:    "run the doctor again; if this stays so, report it to the maintainers of tairssl",
}

// called is the finding of a failed call.
func (x *examination) called(check, on string, err error) Finding {
	if why := x.over(); why != "" {
		return x.cutShort(check, on, why)
	}
	e := handler.AsError(err)
	f := fail(check, on, e.Kind, e.Message, cmp.Or(remedies[e.Kind], e.Kind.NextStep()))
	if errors.Is(err, handler.ErrRegion) { // no right is missing
		f.Fix = "add the region to TAIRSSL_REGION, if its instances are to be renewed"
	}
	f.Code, f.RequestID = e.Code, e.RequestID
	return f
}

// skipped is the finding of a check that was not made. If the examination has
// ended, the finding says that instead of why.
func (x *examination) skipped(check, on, why string) Finding {
	if over := x.over(); over != "" {
		return x.cutShort(check, on, over)
	}
	return skip(check, on, why)
}

// cutShort is the finding of a check that did not finish: failed if the time limit
// ran out, skipped if a person interrupted it.
func (x *examination) cutShort(check, on, why string) Finding {
	if errors.Is(context.Cause(x.ctx), errLimit) {
		return fail(check, on, handler.Unavailable, why, "raise --timeout")
	}
	return skip(check, on, why)
}
