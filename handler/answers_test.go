package handler_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

func TestResultIsTheContract(t *testing.T) {
	_, h := on(expiring(12*day), handler.Options{Wait: 3 * time.Minute})
	got, err := json.MarshalIndent(ask(t, h, update()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "verified.json")
	if *updateGolden {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("the result reads\n%s\nwant\n%s", got, want)
	}
}

func TestEveryOutcomeAndKindHasItsAnswer(t *testing.T) {
	outcomes := map[handler.Outcome][2]int{
		handler.Verified: {200, 0}, handler.Accepted: {202, 0}, handler.Unchanged: {200, 0}, handler.Planned: {200, 0},
		handler.Deferred: {200, 0}, handler.InProgress: {409, 5}, handler.Refused: {403, 3}, handler.Unknown: {502, 6},
	}
	for outcome, want := range outcomes {
		r := handler.Result{Outcome: outcome}
		if got := [2]int{r.HTTPStatus(), r.ExitCode()}; got != want {
			t.Errorf("%s is answered by %v, want %v", outcome, got, want)
		}
	}
	kinds := map[handler.Kind][2]int{
		handler.Invalid: {400, 2}, handler.Unauthorized: {401, 3}, handler.Forbidden: {403, 3}, handler.NotFound: {404, 4},
		handler.Unsupported: {422, 1}, handler.Locked: {423, 1}, handler.Throttled: {429, 5}, handler.Unavailable: {503, 5}, handler.Internal: {500, 1},
	}
	for kind, want := range kinds {
		r := handler.Result{Outcome: handler.Failed, Error: handler.Errorf(kind, "x")}
		if got := [2]int{r.HTTPStatus(), r.ExitCode()}; got != want {
			t.Errorf("%s is answered by %v, want %v", kind, got, want)
		}
		if !errors.Is(r.Error, kind) {
			t.Errorf("errors.Is does not find %s", kind)
		}
	}
	if outcomesInCode, kindsInCode := handler.TableSizes(); outcomesInCode != len(outcomes) || kindsInCode != len(kinds) {
		t.Errorf("the table has %d outcomes and %d kinds, this test %d and %d", outcomesInCode, kindsInCode, len(outcomes), len(kinds))
	}
	if r := (handler.Result{Outcome: "surprise"}); r.HTTPStatus() != 500 || r.ExitCode() != 1 {
		t.Error("an outcome that is not in the table does not count as internal")
	}
}

func TestUnknownErrorsAreOpaque(t *testing.T) {
	e := handler.AsError(errors.New("https://host/?Signature=secret"))
	if e.Kind != handler.Internal || strings.Contains(e.Error(), "secret") {
		t.Errorf("callers would see %v", e)
	}
}
