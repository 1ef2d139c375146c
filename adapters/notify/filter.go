package notify

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// filter selects the instances about which a place gets notices. Every condition must hold.
// The zero value selects all instances.
type filter []condition

// condition is region=GLOB or tag:KEY=GLOB. A bar separates alternative globs.
type condition struct {
	tag   string // "" for the region
	globs []string
}

const tagWord = "tag:"

// parseFilter reads the words after an entry's URL.
func parseFilter(words []string) (f filter, wrong []string) {
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		tag, isTag := strings.CutPrefix(name, tagWord)
		if !ok || value == "" || !isTag && name != "region" || isTag && tag == "" {
			wrong = append(wrong, "each word after the URL must be region=… or tag:KEY=…")
			continue
		}
		c := condition{globs: strings.Split(value, "|")}
		if isTag {
			c.tag = tag
		}
		for _, glob := range c.globs {
			if _, err := path.Match(glob, ""); err != nil || glob == "" {
				wrong = append(wrong, fmt.Sprintf("the value of %s is not a glob", name))
			}
		}
		f = append(f, c)
	}
	return f, wrong
}

// wants reports whether the filter includes the instance of a note.
func (f filter) wants(n Note) bool {
	for _, c := range f {
		value := n.RegionID
		if c.tag != "" {
			value = n.Tags[c.tag]
		}
		if value == "" || !slices.ContainsFunc(c.globs, func(glob string) bool { ok, _ := path.Match(glob, value); return ok }) {
			return false
		}
	}
	return true
}

// wanted gives the notices for each place. A notice that no filter includes, or that is
// about no instance, must not be lost. It goes to the places without a filter. If every
// place has a filter, it goes to all places.
func (u URLs) wanted(chosen []choice) [][]choice {
	all := make([][]choice, len(u))
	for _, c := range chosen {
		found := false
		for i, t := range u {
			if t.filter.wants(c.note) {
				all[i], found = append(all[i], c), true
			}
		}
		for i := range u {
			if !found {
				all[i] = append(all[i], c)
			}
		}
	}
	return all
}
