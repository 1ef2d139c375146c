package handler

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
)

// markCA sets the tag that stops unattended changes in the region.
func (a *attempt) markCA(ctx context.Context, o Observation) {
	err := Guarded(func() error {
		remove, ok := roomToLast(o.Tags, CAChangedTag)
		if !ok {
			return Errorf(Unsupported, "the instance has %d tags", len(o.Tags))
		}
		if remove != "" {
			if err := a.api.Untag(ctx, a.ref, remove); err != nil {
				return err
			}
		}
		return a.api.Tag(ctx, a.ref, CAChangedTag, a.ca.After)
	})
	if err != nil {
		a.ca.Says += fmt.Sprintf(". The tag %s cannot be set (%s), so later sweeps will not stop: set TAIRSSL_PAUSE=1 until clients have the new CA", CAChangedTag, AsError(err).Message)
	}
}

// roomToLast reports whether an instance has room for a permanent tag, and which tag has
// to be removed for it ("" for none). When the present flags have been removed, one tag
// stays free for the flag of the next change.
func roomToLast(tags map[string]string, key string) (remove string, ok bool) {
	all, flags := len(tags), len(flagsOf(tags))
	fits := func(all int) bool { return all < MaxTags && all-flags < MaxTags-1 }
	_, there := tags[key]
	_, told := tags[ToldTag]
	switch {
	case there, fits(all):
		return "", true
	case told && fits(all-1):
		return ToldTag, true
	}
	return "", false
}

// heldByCA defers an automatic change while any instance of the region is marked with a
// CA that clients may lack.
func (a *attempt) heldByCA(ctx context.Context, d decision) decision {
	if a.CA == nil || !d.act {
		return d
	}
	marked, err := a.listAll(ctx, question{a.ref.RegionID, Filter{Key: CAChangedTag}})
	if err != nil {
		return failure(err)
	}
	for _, l := range marked {
		if mark, there := l.Tags[CAChangedTag]; there && !slices.Contains(a.CAAccept, mark) {
			held := fmt.Sprintf("the CA changed with the renewal of %s, so automatic changes in %s wait: give all clients the new CA (tairssl ca %s), then set TAIRSSL_CA_ACCEPT=%s", l.InstanceID, l.RegionID, l.InstanceID, fingerprintOr(mark))
			return decision{outcome: Deferred, rule: RuleCA, alert: true, held: held, reason: d.reason + ", but " + held}
		}
	}
	return d
}

// fingerprintOr returns a fingerprint unchanged. It shortens every other value, because
// everyone with the right to tag may write any text.
func fingerprintOr(mark string) string {
	if len(mark) == sha256.Size*2 && strings.Trim(mark, "0123456789abcdef") == "" {
		return mark
	}
	return Clip(mark)
}

// SpentTags lists the keys of tags that are no longer needed: the tags of [DeadTags], and
// the mark of a CA that the settings now accept. Every writer, and every sweep that reads
// the instance, may remove them.
func (h *Handler) SpentTags(tags map[string]string, expires, now time.Time) []string {
	keys := DeadTags(tags, expires, now)
	if mark, there := tags[CAChangedTag]; there && h.CA != nil && slices.Contains(h.CAAccept, mark) {
		keys = append(keys, CAChangedTag)
	}
	return keys
}
