package handler

import "strings"

// ValidRegion reports whether s has the form of a region id, such as "cn-hangzhou": 2 to
// 8 lower-case letters, then 1 to 5 parts of 1 to 16 lower-case letters and digits, each
// after a hyphen. It does not know which regions exist.
func ValidRegion(s string) bool {
	first, rest, found := strings.Cut(s, "-")
	if !found || len(first) < 2 || len(first) > 8 || strings.ContainsFunc(first, notLower) {
		return false
	}
	parts := strings.Split(rest, "-")
	if len(parts) > 5 {
		return false
	}
	for _, part := range parts {
		if len(part) < 1 || len(part) > 16 || strings.ContainsFunc(part, notLowerOrDigit) {
			return false
		}
	}
	return true
}

// ValidID reports whether s has the form of an instance id: "r-" or "tt-" and 4 to 40
// lower-case letters and digits. Older ids have 16 to 40 of these characters without a
// prefix.
func ValidID(s string) bool {
	rest, least := s, 16
	if LooksLikeID(s) {
		_, rest, _ = strings.Cut(s, "-")
		least = 4
	}
	return len(rest) >= least && len(rest) <= 40 && !strings.ContainsFunc(rest, notLowerOrDigit)
}

// LooksLikeID reports whether a word begins like a modern instance id, with "r-" or
// "tt-". Older ids have no prefix and look like ordinary words.
func LooksLikeID(word string) bool {
	return strings.HasPrefix(word, "r-") || strings.HasPrefix(word, "tt-")
}

func notLower(r rune) bool { return r < 'a' || r > 'z' }

func notLowerOrDigit(r rune) bool { return notLower(r) && (r < '0' || r > '9') }
