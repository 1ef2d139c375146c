package function_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// The prices that the README assumes, in USD.
const (
	sweeps        = 730 // a month
	rate          = 50  // calls a second, by default
	lambdaSecond  = 0.25 * 0.0000133334
	lambdaRequest = 0.0000002
	fcSecond      = (0.25*1 + 0.25*0.15) * 0.00002
	fcRequest     = 75.0 / 10_000 * 0.00002
)

// callsOfSweep is the number of calls of a sweep in which no instance is due.
func callsOfSweep(instances int) int {
	return instances + (instances+handler.PageSize-1)/handler.PageSize
}

func TestASweepMakesAsManyCallsAsTheCostsAssume(t *testing.T) {
	for _, instances := range []int{10, 120} {
		w := onLambda(t, "TAIRSSL_REGION=cn-beijing") // the sample fleet is in another region
		var all []tairtest.Instance
		for n := range instances {
			all = append(all, tairtest.Instance{InstanceID: fmt.Sprintf("r-cost%04d", n), RegionID: "cn-beijing"})
		}
		if err := w.Put(all...); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`)); err != nil {
			t.Fatal(err)
		}
		if line := w.line(t); line["api_calls"] != float64(callsOfSweep(instances)) {
			t.Errorf("a sweep over %d instances makes %v calls, want %d: %v", instances, line["api_calls"], callsOfSweep(instances), line)
		}
	}
}

// The table of costs follows from the calls of a sweep and the prices above.
func TestTheCostsInTheREADMEAreCorrect(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| Function Compute, USD a month |\n|---|---|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := 0
	for row := range strings.Lines(table) {
		rows++
		cells := strings.Split(strings.ReplaceAll(row, ",", ""), "|")
		number := func(cell int) float64 {
			words := regexp.MustCompile(`[0-9.]+`).FindAllString(cells[cell], -1)
			n, err := strconv.ParseFloat(words[len(words)-1], 64) // the last number of the cell is the result
			if err != nil {
				t.Fatalf("%s: %v", row, err)
			}
			return n
		}
		calls := callsOfSweep(int(number(1)))
		seconds := max(1, float64(calls)/rate)
		want := fmt.Sprintf("%d, %d, %.4g, %.3f, %.3f", calls, sweeps*calls, seconds,
			sweeps*(seconds*lambdaSecond+lambdaRequest), sweeps*(seconds*fcSecond+fcRequest))
		if got := fmt.Sprintf("%.0f, %.0f, %.4g, %.3f, %.3f", number(2), number(3), number(4), number(5), number(6)); got != want {
			t.Errorf("the row of %.0f instances has %s, want %s", number(1), got, want)
		}
	}
	if rows != 3 {
		t.Errorf("the README has the costs of %d fleets, want 3", rows)
	}
}
