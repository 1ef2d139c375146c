package rehearsal

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tairssl/handler"
)

// Spread is the number of measured times, with their shortest, median and longest.
type Spread struct {
	Count            int
	Min, Median, Max handler.Duration
}

func spread(times []time.Duration) Spread {
	if len(times) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(times))
	return Spread{len(sorted), rounded(sorted[0]), rounded(sorted[(len(sorted)-1)/2]), rounded(sorted[len(sorted)-1])}
}

// CallStats holds the times and failures of the calls of one action of the API.
type CallStats struct {
	Action string
	Spread
	Failed int
	Kinds  []handler.Kind `json:",omitempty"` // of the failures
}

// CallStats returns the statistics of all actions, sorted by name.
func (r Record) CallStats() (all []CallStats) {
	byAction := map[string][]Call{}
	for _, c := range r.Calls {
		byAction[c.Action] = append(byAction[c.Action], c)
	}
	for _, action := range slices.Sorted(maps.Keys(byAction)) {
		s := CallStats{Action: action}
		var times []time.Duration
		for _, c := range byAction[action] {
			times = append(times, c.Took)
			if c.Kind == "" {
				continue
			}
			if s.Failed++; !slices.Contains(s.Kinds, c.Kind) {
				s.Kinds = append(s.Kinds, c.Kind)
			}
		}
		s.Spread = spread(times)
		slices.SortFunc(s.Kinds, func(a, b handler.Kind) int { return cmp.Compare(a, b) })
		all = append(all, s)
	}
	return all
}
