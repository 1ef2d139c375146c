package fleet

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tairssl/handler"
)

// candidate is an instance whose certificate is due.
type candidate struct {
	ref     handler.Ref
	name    string
	expires time.Time
}

func byExpiry(a, b candidate) int {
	return cmp.Or(a.expires.Compare(b.expires), strings.Compare(a.ref.InstanceID, b.ref.InstanceID), strings.Compare(a.ref.RegionID, b.ref.RegionID))
}

// mostUrgent is a heap whose root expires last, so that the root is dropped first.
type mostUrgent []candidate

func (h mostUrgent) Len() int           { return len(h) }
func (h mostUrgent) Less(i, j int) bool { return byExpiry(h[i], h[j]) > 0 }
func (h mostUrgent) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *mostUrgent) Push(v any)        { *h = append(*h, v.(candidate)) }
func (h *mostUrgent) Pop() any {
	last := len(*h) - 1
	v := (*h)[last]
	*h = (*h)[:last]
	return v
}

// sorted lists the candidates in order, each once. If instances are added or removed
// meanwhile, a listing may show an instance twice.
func (h mostUrgent) sorted() []candidate {
	all := slices.Clone([]candidate(h))
	slices.SortFunc(all, byExpiry)
	return slices.CompactFunc(all, func(a, b candidate) bool { return a.ref == b.ref })
}
