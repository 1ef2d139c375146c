package rehearsal

import (
	"context"
	"errors"
	"fmt"

	"tairssl/adapters/cli/tagprobe"
	"tairssl/handler"
)

// tags measures how soon a tag shows, and reports whether the change may go on.
func (r *run) tags(ctx context.Context) bool {
	set := false
	defer func() {
		if set {
			r.clean(ctx)
		}
	}()
	for n := range r.TagRounds {
		set = true // or may be
		took, err := tagprobe.Measure(ctx, r.api, r.Ref, measuringTag)
		if err != nil {
			r.err = tagFailure(asError(ctx, err), took > 0)
			return false
		}
		r.log.write(func(rows *Record) { rows.Tags = append(rows.Tags, took) })
		r.log.mark("a tag shows after %s (%d of %d)", Shown(took), n+1, r.TagRounds)
		if err := r.api.Untag(ctx, r.Ref, measuringTag); err != nil { // so that the next one is new
			r.err = tagFailure(asError(ctx, err), false)
			return false
		}
		set = false
	}
	return true
}

// asError is an error of a call, or that the limit is over.
func asError(ctx context.Context, err error) *handler.Error {
	if errors.Is(context.Cause(ctx), errLimit) {
		return errLimit
	}
	return handler.AsError(err)
}

// tagFailure says what to do where tags cannot be measured. Nothing was changed.
func tagFailure(e *handler.Error, wasSet bool) *handler.Error {
	failed := *e
	switch {
	case wasSet:
		failed.Message = "how soon a tag shows could not be measured, so nothing was changed: " + e.Message
	case errors.Is(e, handler.Forbidden):
		failed.Message = "a tag cannot be set, so nothing was changed: allow kvstore:TagResources and kvstore:UntagResources, or set TAIRSSL_LEASE=none where no other process changes the instance"
	case errors.Is(e, handler.ErrTagRefused):
		failed.Kind = handler.Forbidden
		failed.Message = "a tag is refused, so nothing was changed: " + e.Message
	default:
		failed.Message = "a tag cannot be set or removed, so nothing was changed: " + e.Message
	}
	return &failed
}

// clean removes the measuring tag, whatever has happened.
func (r *run) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	if err := r.api.Untag(ctx, r.Ref, measuringTag); err != nil && !errors.Is(r.err, handler.Forbidden) {
		r.warnings = append(r.warnings, fmt.Sprintf("the tag %s could not be removed: %s; remove it by hand, it does nothing", measuringTag, handler.AsError(err).Message))
	}
}
