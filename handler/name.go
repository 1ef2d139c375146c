package handler

import (
	"net"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Named is the instance that a text names.
type Named struct {
	ID string
	// OrID is the instance's id if no instance has the id ID; "" if there is no second
	// reading. A public endpoint begins with the id and "pd". But one private id in 1,296
	// ends in "pd" as well.
	OrID   string
	Region string // the region that the endpoint names; "" if it names none
}

// ParseInstance finds the instance that a text names by its id, its endpoint, a host:port
// or URL of the endpoint, or a Slack link. A text without a dot is an id. In a URL or
// before a port, such an id must begin with r- or tt-, because other words may be names
// of hosts.
//
// Endpoints are <id>.redis.rds.aliyuncs.com and <id>.redis.<region>.rds.aliyuncs.com,
// with redis or another product such as tairpena. The hosts <id>-conn1.… and
// *.kvstore.aliyuncs.com name no instance.
func ParseInstance(text string) (n Named, ok bool) {
	host, bare := hostIn(unlinked(text))
	first, domain, isName := strings.Cut(host, ".")
	if !isName {
		if !ValidID(host) || !bare && !LooksLikeID(host) {
			return Named{}, false
		}
		return Named{ID: host}, true
	}
	place, known := strings.CutSuffix(domain, endpointDomain)
	product, region, regional := strings.Cut(place, ".")
	ours := LooksLikeID(first) || product == "redis" || product == "tairpena" // not MySQL, for example
	if !known || !ours || !isLabel(product) || regional && !isLabel(region) {
		return Named{}, false
	}
	n = Named{ID: first, Region: regionNamed(region)}
	if cut, public := strings.CutSuffix(first, "pd"); public && ValidID(cut) {
		if n.OrID = cut; !ValidID(first) {
			n.ID, n.OrID = cut, ""
		}
	}
	if !ValidID(n.ID) {
		return Named{}, false
	}
	return n, true
}

// unlinked returns the address of a Slack link <address|text>. It returns every other
// text unchanged, without the space around it.
func unlinked(text string) string {
	text = strings.TrimSpace(text)
	if link, isLink := strings.CutPrefix(text, "<"); isLink && strings.HasSuffix(link, ">") {
		text, _, _ = strings.Cut(link[:len(link)-1], "|")
	}
	return text
}

const endpointDomain = ".rds.aliyuncs.com"

// isLabel reports whether s can be one label (the part between two dots) of an endpoint.
func isLabel(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Host is the host of a URL, of a host:port or of a bare host, in lower case and without
// a dot at the end; "" for none. Characters outside ASCII are kept.
func Host(text string) string {
	host, _ := hostIn(unlinked(text))
	return host
}

// hostIn is [Host] for a text that is not a Slack link. It reports bare if the text is
// only a host.
func hostIn(text string) (host string, bare bool) {
	rest := text
	if before, after, isURL := strings.Cut(text, "://"); isURL && before != "" && !strings.ContainsAny(before, "/?#@") {
		rest = "//" + after
	}
	authority, isURL := strings.CutPrefix(rest, "//")
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	if isURL { // a password may contain an @
		authority = authority[strings.LastIndexByte(authority, '@')+1:]
	}
	host, port, hasPort := strings.Cut(authority, ":")
	if strings.Contains(port, ":") { // an IPv6 address, or not an address at all
		host = strings.Trim(authority, "[]")
		if h, _, err := net.SplitHostPort(authority); err == nil {
			host = h
		}
		if _, err := netip.ParseAddr(host); err != nil {
			return "", false
		}
	}
	host = strings.TrimRight(host, ".")
	foreign := func(r rune) bool { return r >= utf8.RuneSelf }
	if !strings.ContainsFunc(host, foreign) { // lower case could turn some letters into ASCII
		host = strings.ToLower(host)
	}
	return host, !hasPort && host == text
}

// regionNamed is the id of the region that an endpoint names; "" for none. Endpoints name
// some regions by another word.
func regionNamed(word string) string {
	switch {
	case word == "singapore":
		return "ap-southeast-1"
	case word == "zhangbei":
		return "cn-zhangjiakou"
	case ValidRegion(word):
		return word
	}
	return ""
}
