package function

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// written gives the fields of a line by their names.
func written(t *testing.T, attrs []slog.Attr) map[string]any {
	t.Helper()
	fields := map[string]any{}
	for _, a := range attrs {
		if _, twice := fields[a.Key]; twice {
			t.Errorf("the line has the field %s twice", a.Key)
		}
		fields[a.Key] = a.Value.Any()
	}
	return fields
}

func TestFactsAreRenderedToTheFieldsOfALine(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	failed := handler.Result{InstanceID: "r-bp1zxszhcgatnx01", Outcome: handler.Failed, Reason: "no such instance", Alert: true,
		Error: &handler.Error{Kind: handler.NotFound, Code: "InvalidInstanceId.NotFound", Message: "no such instance"}}
	yes, unread := true, 0
	for name, test := range map[string]struct {
		facts facts
		level slog.Level
		want  map[string]any // nil if the field must be missing
	}{
		"nothing": {level: slog.LevelInfo, want: map[string]any{
			"requests": int64(0), "api_calls": int64(0), "throttled": int64(0), "outcome": nil, "failed": nil, "days_to_expiry": nil, "_aws": nil, "duration_ms": int64(0), "cold_start": false}},
		"a single request": {
			facts: facts{only: &handler.Decided{Result: failed}, outcomes: map[handler.Outcome]int{handler.Failed: 1}, atRisk: 1, took: 1500 * time.Millisecond, cold: true}, level: slog.LevelError,
			want: map[string]any{"instance": "r-bp1zxszhcgatnx01", "outcome": "failed", "kind": "not_found", "code": "InvalidInstanceId.NotFound", "requests": int64(1), "failed": int64(1), "at_risk": int64(1), "duration_ms": int64(1500), "cold_start": true}},
		"several, and an expiry": {
			facts: facts{outcomes: map[handler.Outcome]int{handler.Accepted: 2, handler.Deferred: 1}, level: slog.LevelWarn, earliest: now.Add(36 * time.Hour), calls: tair.Counts{Calls: 7, Throttled: 2}}, level: slog.LevelWarn,
			want: map[string]any{"requests": int64(3), "accepted": int64(2), "deferred": int64(1), "days_to_expiry": 1.5, "api_calls": int64(7), "throttled": int64(2), "instance": nil}},
		"a sweep":                         {facts: facts{swept: &yes, unread: &unread}, level: slog.LevelInfo, want: map[string]any{"sweep_succeeded": int64(1), "unread": int64(0)}},
		"an invocation that fails":        {facts: facts{failure: &Failure{"unavailable", "try again"}}, level: slog.LevelError, want: map[string]any{"error_type": "unavailable", "error": "try again"}},
		"a chat message that was refused": {facts: facts{fields: []slog.Attr{slog.String("outcome", "refused")}}, level: slog.LevelWarn, want: map[string]any{"outcome": "refused", "requests": int64(0)}},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := json.Marshal(test.facts.outcomes)
			level, attrs := test.facts.render(now, "")
			again, twice := test.facts.render(now, "")
			fields := written(t, attrs)
			if level != test.level || again != level || len(twice) != len(attrs) {
				t.Errorf("the level is %s, and %s when rendered again, want %s; the line has %d fields, and %d when rendered again", level, again, test.level, len(attrs), len(twice))
			}
			for field, want := range test.want {
				if got := fields[field]; got != want {
					t.Errorf("%s is %v, want %v", field, got, want)
				}
			}
			if after, _ := json.Marshal(test.facts.outcomes); string(after) != string(before) {
				t.Errorf("rendering changes the facts from %s to %s", before, after)
			}
		})
	}
}

func TestTheLastValueOfAFieldCounts(t *testing.T) {
	var f facts
	f.set(slog.String("outcome", "answered"), slog.String("reason", "read"), slog.String("region", ""))
	f.set(slog.String("outcome", "verified"), slog.String("reason", ""))
	fields := written(t, f.fields)
	if len(fields) != 2 || fields["outcome"] != "verified" || fields["reason"] != "read" {
		t.Errorf("the fields are %v, want the last outcome, and the reason that no empty text replaced", fields)
	}
}

func TestMetricsAreNamedInTheLine(t *testing.T) {
	f := facts{outcomes: map[handler.Outcome]int{handler.Verified: 3}, calls: tair.Counts{Calls: 4}}
	_, attrs := f.render(time.Now(), "tairssl")
	m, ok := written(t, attrs)["_aws"].(*embedded)
	if !ok || len(m.CloudWatchMetrics) != 1 || m.CloudWatchMetrics[0].Namespace != "tairssl" {
		t.Fatalf("the line has the metrics %+v, want one namespace, tairssl", m)
	}
	if got := m.CloudWatchMetrics[0].Metrics; len(got) != 1 || got[0] != (metric{"verified", "Count"}) {
		t.Errorf("the metrics are %v, want only the count of verified, because nothing was throttled", got)
	}
}
