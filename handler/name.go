package handler

import (
	"net"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Named is an instance as a text names it.
type Named struct {
	ID string
	// OrID is the id if there is no instance of that ID. A public endpoint begins
	// with the id and "pd" behind it, but one private id in 1,296 ends in pd as
	// well. "" if there is no other reading.
	OrID   string
	Region string // where the endpoint says that it is; "" if it does not say
}

// ParseInstance reads which instance a text names: by its id, its endpoint, a
// host:port or a URL of either, or a link as Slack writes it. An id that stands
// for itself, without a port, may be one of the old ones without r- or tt-.
//
// Endpoints are <id>.redis.rds.aliyuncs.com, <id>.redis.<region>.rds.aliyuncs.com
// and the same of other products than redis, such as tairpena. Hosts that name no
// instance are <id>-conn1.… and those of *.kvstore.aliyuncs.com.
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
	ours := LooksLikeID(first) || product == "redis" || product == "tairpena" // and not of MySQL, say
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

// unlinked is the address of a link as Slack writes it, <address|text>, and any
// other text as it is, without the space around it.
func unlinked(text string) string {
	text = strings.TrimSpace(text)
	if link, isLink := strings.CutPrefix(text, "<"); isLink && strings.HasSuffix(link, ">") {
		text, _, _ = strings.Cut(link[:len(link)-1], "|")
	}
	return text
}

const endpointDomain = ".rds.aliyuncs.com"

// isLabel reports whether s may stand between two dots of an endpoint's name.
func isLabel(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Host is the host of a URL, a host:port or a bare host, in lower case and without
// the dot at its end; "" for none. What is not ASCII stays as it is.
func Host(text string) string {
	host, _ := hostIn(unlinked(text))
	return host
}

// hostIn is [Host] of a text that is no link. It is bare if the text is nothing
// but that.
func hostIn(text string) (host string, bare bool) {
	rest := text
	if before, after, isURL := strings.Cut(text, "://"); isURL && before != "" && !strings.ContainsAny(before, "/?#@") {
		rest = "//" + after
	}
	authority, isURL := strings.CutPrefix(rest, "//")
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	if isURL { // whose password may hold an @
		authority = authority[strings.LastIndexByte(authority, '@')+1:]
	}
	host, port, hasPort := strings.Cut(authority, ":")
	if strings.Contains(port, ":") { // an address of IPv6, or none
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
	if !strings.ContainsFunc(host, foreign) { // of which some would become ASCII
		host = strings.ToLower(host)
	}
	return host, !hasPort && host == text
}

// regionNamed is the id of the region that an endpoint shows; "" for none. Some
// regions are shown by another word.
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
