package rehearsal

import (
	"context"
	"errors"
	"fmt"

	"tairssl/adapters/cli/tagprobe"
	"tairssl/handler"
)

// tags measures how soon reads show a new tag. It reports whether the change may
// follow.
func (r *run) tags(ctx context.Context) bool {
	set := false
	defer func() {
		if set {
			r.clean(ctx)
		}
	}()
	for n := range r.TagRounds {
		set = true // even if the call fails, the tag may be set
		took, err := tagprobe.Measure(ctx, r.api, r.Ref, measuringTag)
		if err != nil {
			r.err = tagFailure(asError(ctx, err), took > 0)
			return false
		}
		r.log.write(func(rows *Record) { rows.Tags = append(rows.Tags, took) })
		r.log.mark("a tag shows after %s (%d of %d)", Shown(took), n+1, r.TagRounds)
		if err := r.api.Untag(ctx, r.Ref, measuringTag); err != nil { // the next round needs a new tag
			r.err = tagFailure(asError(ctx, err), false)
			return false
		}
		set = false
	}
	return true
}

// asError returns errLimit if the time limit is over, otherwise the error of a call.
func asError(ctx context.Context, err error) *handler.Error {
	if errors.Is(context.Cause(ctx), errLimit) {
		return errLimit
	}
	return handler.AsError(err)
}

// tagFailure is the error of a rehearsal that cannot measure tags and therefore
// changes nothing. wasSet says that the tag was set but not seen.
func tagFailure(e *handler.Error, wasSet bool) *handler.Error {
	failed := *e
	switch {
	case wasSet:
		failed.Message = "the time until a new tag is visible could not be measured, so nothing was changed: " + e.Message
	case errors.Is(e, handler.Forbidden):
		failed.Message = "a tag cannot be set, so nothing was changed: allow kvstore:TagResources and kvstore:UntagResources, or set TAIRSSL_LEASE=none if no other process changes the instance"
	case errors.Is(e, handler.ErrTagRefused):
		failed.Kind = handler.Forbidden
		failed.Message = "the API refused the measuring tag, so nothing was changed: " + e.Message
	default:
		failed.Message = "the measuring tag could not be set or removed, so nothing was changed: " + e.Message
	}
	return &failed
}

// clean removes the measuring tag, even after an interrupt.
func (r *run) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	if err := r.api.Untag(ctx, r.Ref, measuringTag); err != nil && !errors.Is(r.err, handler.Forbidden) {
		r.warnings = append(r.warnings, fmt.Sprintf("the tag %s could not be removed: %s; remove it by hand (it has no effect)", measuringTag, handler.AsError(err).Message))
	}
}
