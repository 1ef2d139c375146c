package handler

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// Find gives the instance that a person names: by its id, its endpoint, a
// host:port or a URL of that, a link of Slack ([ParseInstance]), or else by its
// InstanceName, in any case of letters, which must belong to one instance only.
// An endpoint whose name somebody chose is found by its ConnectionDomain. The
// instance is looked for in every configured region. What has the form of an id,
// r-… or tt-…, is never taken for a name.
//
// may says which instances the person may see; nil: all. Any other is answered as
// one that does not exist.
//
// Requests of machines never come here. They take ids and endpoints, because a
// name can be changed by others.
//
// The errors are of kind NotFound; of kind Unavailable if a region that may have
// the instance could not be read; Forbidden if the endpoint is of a region that
// is not configured; and Invalid if several instances have the name, if a region
// has more than 1000 instances to look through, or if no instance can be called
// so. Each names the next step.
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

// longestName is how long an InstanceName is at most, and every endpoint.
const longestName = 256

// way is a way to look for what a person named.
type way struct {
	filters  []Filter            // of the listings to look through
	readings []func(Listed) bool // what the text may mean, the likelier first
	shared   bool                // several instances may be called so
}

// CheckName reports, by an error of kind [Invalid], that [Handler.Find] would find
// nothing by a text, whatever instances there are.
func CheckName(text string) error {
	_, err := waysTo(text)
	return err
}

// Quoted is a text that names an instance as it may be shown: of a URL, which may
// hold a password, the host alone.
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

// waysTo are the ways to look for a text, the cheapest first.
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
		// Old ids look like any other word: a name, or the beginning of an endpoint.
	}
	if !strings.ContainsAny(text, ":/@") { // which no name holds
		byName := way{shared: true, filters: []Filter{{Search: text}}, readings: []func(Listed) bool{
			func(l Listed) bool { return strings.EqualFold(l.Name, text) },
		}}
		// The API may tell upper from lower case, and telephones write the first
		// letter large.
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
		// The API finds a name only as it is written; here any case of letters will do.
		ways = append(ways, way{shared: true, filters: []Filter{{}}, readings: ways[len(ways)-1].readings})
	}
	if ways == nil {
		return nil, Errorf(Invalid, "%q is not an instance id, and it can be no endpoint or name", Quoted(text))
	}
	return ways, nil
}

func hasID(id string) func(Listed) bool {
	return func(l Listed) bool { return l.InstanceID == id }
}

// everywhere asks for the same listings in every configured region.
func (h *Handler) everywhere(filters []Filter) (asked []question) {
	for _, region := range h.Regions {
		for _, f := range filters {
			asked = append(asked, question{region, f})
		}
	}
	return asked
}

// choose picks the one instance that was meant among those that may be seen. It
// gives none if none was.
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
			return Listed{}, Errorf(Unavailable, "%s is called %q, but others may be, too, for not all regions could be read: name it by its id", ids[0], text)
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

// couldNotLook is [couldNotList] for a person: whatever the reason is, it is not
// known whether there is such an instance.
func couldNotLook(region string, e *Error) *Error {
	if e.Kind == Invalid {
		return e // the region is too large, and the message says what to do
	}
	e = couldNotList(region, e)
	e.Kind = Unavailable
	return e
}
