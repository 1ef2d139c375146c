package storm_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// verdict is the result of a storm.
type verdict struct {
	tally
	seed                           uint64
	due, once, twice, lost, others int // instances; others restarted without being due
	restarts                       int // of due instances
	took                           time.Duration
}

// judge counts the restarts. It reports every instance with too many or too few
// restarts, and every instance whose tags changed.
func (s *storm) judge(t *testing.T, seed uint64) verdict {
	v := verdict{tally: s.tally, seed: seed, due: len(s.due)}
	for n, i := range s.cloud.Instances() {
		before, wrong := s.put[n], ""
		switch {
		case !s.due[i.InstanceID]:
			if i.Restarts > 0 {
				v.others++
				wrong = fmt.Sprintf("was not due and restarted %d times", i.Restarts)
			}
		case i.Restarts == 0:
			v.lost++
			wrong = "was due and never restarted"
		case i.Restarts == 1:
			v.once++
		default:
			v.twice++
			wrong = fmt.Sprintf("was due and restarted %d times", i.Restarts)
		}
		if s.due[i.InstanceID] {
			v.restarts += i.Restarts
		}
		if wrong == "" && !maps.Equal(i.Tags, before.Tags) {
			wrong = fmt.Sprintf("has the tags %v, want those of its owner: %v", i.Tags, before.Tags)
		}
		if wrong != "" {
			t.Errorf("%s %s\n%s", i.InstanceID, wrong, s.story(i, before))
		}
	}
	if v.due == 0 || v.killed == 0 || v.stopped == 0 || v.again == 0 || len(v.suffered) != len(faults) {
		t.Errorf("a part of the storm is missing (a due instance, kills, stops, repetitions, or a kind of fault): %+v", v)
	}
	return v
}

// story lists all calls for an instance, by the emulated clock, and all log lines that
// name it.
func (s *storm) story(i, before tairtest.Instance) string {
	var b strings.Builder
	fmt.Fprintf(&b, "its certificate expired %s and now expires %s\nchanges were accepted at %v\ntags: %v\nthe calls:\n  %s\nthe logs:\n",
		before.SSLExpiredTime, i.SSLExpiredTime, i.Changes, i.Tags, strings.Join(s.history[i.InstanceID], "\n  "))
	for _, f := range s.functions {
		for _, line := range f.log.of(i.InstanceID) {
			fmt.Fprintf(&b, "  %s %.600s\n", f.name, line)
		}
	}
	return b.String()
}

// table shows the verdicts, and below them the number of calls and of faults.
func table(rows []verdict) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seed\tdue\tonce\ttwice\tlost\tothers\trestarts/due\tinvocations\tdelivered again\tgiven up\tkills\tstops\ttimeouts\tsweeps after\ttook\t")
	for _, v := range rows {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%.2f\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1fs\t\n", v.seed, v.due, v.once, v.twice, v.lost, v.others,
			float64(v.restarts)/float64(max(v.due, 1)), v.invocations, v.again, v.givenUp, v.killed, v.stopped, v.timedOut, v.sweeps, v.took.Seconds())
	}
	_ = w.Flush() // writing to a strings.Builder never fails
	for _, part := range []struct {
		title string
		of    func(verdict) map[string]int
	}{
		{"calls", func(v verdict) map[string]int { return v.calls }},
		{"faults suffered", func(v verdict) map[string]int { return v.suffered }},
	} {
		names := map[string]int{}
		for _, v := range rows {
			maps.Copy(names, part.of(v))
		}
		fmt.Fprintf(w, "\n%s\t", part.title)
		for _, v := range rows {
			fmt.Fprintf(w, "seed %d\t", v.seed)
		}
		fmt.Fprintln(w)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			fmt.Fprintf(w, "%s\t", name)
			for _, v := range rows {
				fmt.Fprintf(w, "%d\t", part.of(v)[name])
			}
			fmt.Fprintln(w)
		}
		_ = w.Flush()
	}
	return b.String()
}
