package storm_test

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"tairssl/adapters/cli/localruntime"
)

// delivery is one payload for a function.
type delivery struct {
	trigger *trigger // nil for a sweep
	cloud   localruntime.Cloud
	needs   []need // none for a sweep
	tries   int
}

// copies is the number of deliveries for the need of each due instance.
const copies = 5

// deliveries draws the deliveries of each wave.
func deliveries(r *rand.Rand, due, others []need, waves int) [][]*delivery {
	type single struct {
		need
		trigger int
		at      float64 // the place in its wave, from 0 to 1
	}
	singles := make([][]single, waves)
	add := func(wave int, s single) { singles[wave] = append(singles[wave], s) }
	for _, n := range due {
		kinds, wave, at := r.Perm(len(triggers)), r.IntN(waves), r.Float64()
		together := r.IntN(2) == 0 // all copies nearly at the same time
		for i := range copies {
			if !together {
				wave, at = r.IntN(waves), r.Float64()
			}
			add(wave, single{n, kinds[i], at + r.Float64()/50})
		}
	}
	for _, n := range others {
		add(r.IntN(waves), single{n, r.IntN(len(triggers)), r.Float64()})
	}
	all := make([][]*delivery, waves)
	for wave, in := range singles {
		slices.SortFunc(in, func(a, b single) int { return cmp.Compare(a.at, b.at) })
		open := map[int]*delivery{} // payloads with room for more needs, by trigger
		for _, s := range in {
			d := open[s.trigger]
			if d == nil {
				t := &triggers[s.trigger]
				d = &delivery{trigger: t, cloud: t.clouds[r.IntN(len(t.clouds))]}
				open[s.trigger] = d
				all[wave] = append(all[wave], d)
			}
			if d.needs = append(d.needs, s.need); len(d.needs) >= 1+r.IntN(d.trigger.most) {
				delete(open, s.trigger)
			}
		}
		for _, cloud := range both {
			all[wave] = slices.Insert(all[wave], r.IntN(len(all[wave])/2+1), &delivery{cloud: cloud})
		}
	}
	return all
}

// payload makes the payload of a delivery. Each attempt draws a new one.
func (d *delivery) payload(r *rand.Rand) []byte {
	if d.trigger == nil {
		return []byte(text(sweep(d.cloud)))
	}
	return []byte(text(d.trigger.event(r, d.cloud, d.needs)))
}

// queue holds the deliveries of a wave that wait for a process.
type queue []*delivery

// next removes and returns the first delivery for a process of a cloud, or nil.
func (q *queue) next(cloud localruntime.Cloud, sweeps bool) *delivery {
	n := slices.IndexFunc(*q, func(d *delivery) bool { return d.cloud == cloud && (sweeps || d.trigger != nil) })
	if n < 0 {
		return nil
	}
	d := (*q)[n]
	*q = slices.Delete(*q, n, n+1)
	return d
}
