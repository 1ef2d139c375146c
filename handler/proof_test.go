package handler_test

import (
	"flag"
	"testing"

	"pgregory.net/rapid"

	"tairssl/handler/handlertest"
)

// dimension is one variable of the systematic search, with its possible values.
type dimension struct {
	writer int
	name   string
	values []int
}

// dimensions lists variables. Some combinations of their values broke a version of the
// protocol that lacked one of its steps. A value of "begins" is an index of the list in
// work.
var dimensions = []dimension{
	{0, "freeze Tag", []int{0, 2}},
	{0, "freeze before signing", []int{0, 1}},
	{0, "transit", []int{0, 1}},
	{0, "lag", []int{0, most}},
	{0, "lost Modify", []int{0, 1, 2}},
	{0, "tag shows", []int{0, most}},
	{1, "begins", []int{0, 1, 2, 4, 7}},
	{1, "stale", []int{0, most}},
	{1, "before Tag", []int{0, most}},
	{1, "tag shows", []int{0, most}},
}

// A need that is delivered several times causes at most one restart, in every combination
// of the dimensions.
func TestAtMostOneWriterInEveryOrder(t *testing.T) {
	t.Parallel() // it needs a processor for seconds
	if testing.Short() {
		t.Skip("it plays some thousand scenarios")
	}
	played := 0
	var play func(chosen []map[string]int, left []dimension)
	play = func(chosen []map[string]int, left []dimension) {
		if len(left) > 0 {
			for _, v := range left[0].values {
				chosen[left[0].writer][left[0].name] = v
				play(chosen, left[1:])
			}
			return
		}
		for _, dueAgain := range []bool{false, true} {
			played++
			s := scenario{dueAgain: dueAgain}
			for _, f := range chosen {
				s.writers = append(s.writers, fixed(f))
			}
			if wrong := s.run(t); wrong != "" {
				t.Fatalf("due again %v, with %v: %s", dueAgain, chosen, wrong)
			}
		}
	}
	play([]map[string]int{{}, {}}, dimensions)
	t.Logf("%d orders were played", played)
}

// The test above, with two to five random writers. Processes freeze, die and have wrong
// clocks. Calls are slow or lost, tags become visible late, effects show later, and reads
// are stale. If no process dies, one writer gets through.
func TestAtMostOneWriter(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	_ = checks.Value.Set("1500")
	defer func() { _ = checks.Value.Set(before) }()
	handlertest.Check(t, func(rt *rapid.T) {
		s := scenario{calm: rapid.IntRange(0, 3).Draw(rt, "calm") == 0, dueAgain: rapid.Bool().Draw(rt, "due again"), late: rapid.Bool().Draw(rt, "late")}
		for range rapid.IntRange(2, 5).Draw(rt, "writers") {
			s.writers = append(s.writers, drawn(rapid.SliceOfN(rapid.Byte(), 0, 160).Draw(rt, "choices")))
		}
		if wrong := s.run(t); wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// searchRuns is the number of scenarios in the deeper search.
var searchRuns = flag.Int("search", 8000, "how many scenarios the search by chance plays")

// The test above, with a plain generator of chance. It plays longer scenarios than rapid,
// which prefers short and simple ones. Some writers meet few odd events, other writers
// meet many.
func TestAtMostOneWriterDeeper(t *testing.T) {
	t.Parallel() // it needs a processor for seconds
	runs := *searchRuns
	if testing.Short() {
		runs = min(runs, 200)
	}
	r := handlertest.Chance(t)
	for range runs {
		s := scenario{calm: r.IntN(8) == 0, dueAgain: r.IntN(2) == 0, late: r.IntN(4) == 0}
		for range 2 + r.IntN(4) {
			odd := []int{8, 25, 60, 100}[r.IntN(4)] // share of odd choices, in percent
			left := make([]byte, 200)
			for i := range left {
				if r.IntN(100) < odd {
					left[i] = byte(r.Uint32())
				}
			}
			s.writers = append(s.writers, drawn(left))
		}
		if wrong := s.run(t); wrong != "" {
			t.Fatal(wrong)
		}
	}
}
