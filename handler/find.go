package handler

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// Find finds the instance that a person names by its id, its endpoint, a host:port or URL
// of the endpoint, a Slack link ([ParseInstance]), or its InstanceName in any case. A
// name must belong to exactly one instance. A custom endpoint is found by its
// ConnectionDomain. Find looks in every configured region. A text with the form of an id
// (r-… or tt-…) is never taken for a name.
//
// may reports whether the person may see an instance. If may is nil, the person may see
// all instances. Find treats every other instance as if it did not exist.
//
// Find is not for the requests of programs. A program names an instance by its id or
// endpoint, because other people can change a name.
//
// Each error names the next step. The kinds are NotFound; Unavailable if a region that
// may have the instance could not be read; Forbidden if the endpoint belongs to a region
// that is not configured; and Invalid if several instances have the name, if a region has
// more than 1000 instances to look through, or if no instance can have such a name.
func (h *Handler) Find(ctx context.Context, text string, may func(Listed) bool) (Listed, error) {
	ways, err := waysTo(text)
	if err != nil {
		return Listed{}, err
	}
	var unread error
	for _, w := range ways {
		all := h.survey(ctx, h.everywhere(w.filters))
		l, err := w.choose(Quoted(text), all, may)
		if err != nil || l.InstanceID != "" {
			return l, err
		}
		if region, e := h.firstUnread(all); e != nil && unread == nil {
			unread = couldNotLook(region, e)
		}
	}
	named, _ := ParseInstance(text)
	if err := h.Allows(named.Region); err != nil {
		return Listed{}, err
	}
	if unread != nil {
		return Listed{}, unread
	}
	return Listed{}, Errorf(NotFound, "no instance %q in %s: check its id, endpoint or name, and TAIRSSL_REGION", Quoted(text), regionsInWords(h.Regions))
}

// longestName is the greatest length of an InstanceName and of an endpoint, in
// characters.
const longestName = 256

// way is one way to look for the instance that a person named.
type way struct {
	filters  []Filter            // the listings to look through
	readings []func(Listed) bool // the possible meanings of the text, the likeliest first
	shared   bool                // several instances may match
}

// CheckName reports, with an error of kind [Invalid], that [Handler.Find] cannot find any
// instance by the text.
func CheckName(text string) error {
	_, err := waysTo(text)
	return err
}

// Quoted makes the name of an instance safe to show. A URL may contain a password, so
// only its host is kept.
func Quoted(text string) string {
	text = unlinked(text)
	if strings.Contains(text, "//") || strings.Contains(text, "@") {
		host, _ := hostIn(text)
		if text = host[strings.LastIndexByte(host, '@')+1:]; text == "" {
			text = "(a URL)"
		}
	}
	return Clip(text)
}

// waysTo lists the ways to look for a text, the cheapest first.
func waysTo(text string) (ways []way, err error) {
	text = unlinked(text)
	if text == "" || utf8.RuneCountInString(text) > longestName {
		return nil, Errorf(Invalid, "name an instance by its id, its endpoint or its name, in at most %d characters", longestName)
	}
	if named, isID := ParseInstance(text); isID {
		byID := way{filters: []Filter{{IDs: []string{named.ID}}}, readings: []func(Listed) bool{hasID(named.ID)}}
		if named.OrID != "" {
			byID.filters[0].IDs = append(byID.filters[0].IDs, named.OrID)
			byID.readings = append(byID.readings, hasID(named.OrID))
		}
		ways = append(ways, byID)
		if LooksLikeID(named.ID) {
			return ways, nil
		}
		// An old id looks like any other word, so it may also be a name or the beginning
		// of an endpoint.
	}
	if !strings.ContainsAny(text, ":/@") { // no name contains these
		byName := way{shared: true, filters: []Filter{{Search: text}}, readings: []func(Listed) bool{
			func(l Listed) bool { return strings.EqualFold(l.Name, text) },
		}}
		// The API may distinguish upper and lower case, and phones capitalise the first
		// letter.
		if lower := strings.ToLower(text); lower != text {
			byName.filters = append(byName.filters, Filter{Search: lower})
		}
		ways = append(ways, byName)
	}
	host, _ := hostIn(text)
	if _, err := netip.ParseAddr(host); err != nil && strings.Contains(host, ".") && isLabel(strings.ReplaceAll(host, ".", "")) {
		ways = append(ways, way{filters: []Filter{{}}, readings: []func(Listed) bool{
			func(l Listed) bool { return strings.EqualFold(l.ConnectionDomain, host) },
		}})
	} else if len(ways) > 0 && ways[len(ways)-1].shared {
		// The API finds a name only in its exact case, so compare all names here without
		// regard to case.
		ways = append(ways, way{shared: true, filters: []Filter{{}}, readings: ways[len(ways)-1].readings})
	}
	if ways == nil {
		return nil, Errorf(Invalid, "%q is not an instance id, an endpoint or a possible name", Quoted(text))
	}
	return ways, nil
}

func hasID(id string) func(Listed) bool {
	return func(l Listed) bool { return l.InstanceID == id }
}

// everywhere returns the questions for the same listings in every configured region.
func (h *Handler) everywhere(filters []Filter) (asked []question) {
	for _, region := range h.Regions {
		for _, f := range filters {
			asked = append(asked, question{region, f})
		}
	}
	return asked
}

// choose returns the only matching instance that the person may see. It returns the zero
// value if no instance matches.
func (w way) choose(text string, all listings, may func(Listed) bool) (Listed, error) {
	for _, means := range w.readings {
		var ids []string
		var match Listed
		for _, l := range all.found {
			if means(l) && (may == nil || may(l)) {
				match, ids = l, append(ids, l.InstanceID)
			}
		}
		switch {
		case len(ids) > 1:
			const shown = 5
			more := ""
			if len(ids) > shown {
				more = ", …"
			}
			return Listed{}, Errorf(Invalid, "%d instances are called %q: %s%s; say which by its id", len(ids), text, strings.Join(ids[:min(len(ids), shown)], ", "), more)
		case len(ids) == 1 && w.shared && len(all.unread) > 0:
			return Listed{}, Errorf(Unavailable, "%s is called %q, but not all regions could be read, so another instance may have the same name: use the id", ids[0], text)
		case len(ids) == 1:
			return match, nil
		}
	}
	return Listed{}, nil
}

// firstUnread is the first configured region that could not be read to its end.
func (h *Handler) firstUnread(all listings) (region string, e *Error) {
	i := slices.IndexFunc(h.Regions, func(region string) bool { return all.unread[region] != nil })
	if i < 0 {
		return "", nil
	}
	return h.Regions[i], all.unread[h.Regions[i]]
}

// couldNotLook is the error for a person if a region could not be listed. It is
// Unavailable in almost every case, because the instance may exist. [couldNotList] keeps
// the kind of most errors. An error of kind Invalid is returned unchanged.
func couldNotLook(region string, e *Error) *Error {
	if e.Kind == Invalid {
		return e // the region is too large, and the message says what to do
	}
	e = couldNotList(region, e)
	e.Kind = Unavailable
	return e
}
