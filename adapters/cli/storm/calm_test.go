package storm_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// calm runs a sweep every hour until nothing is due. By then all flags have expired, and
// it delivers every need once more.
func (s *storm) calm(t *testing.T) {
	for most := 20 + len(s.put)/maxTargets; s.sweeps < most; {
		s.pass(time.Hour)
		f := s.functions[s.sweeps%len(s.functions)]
		s.sweeps++
		var r fleet.Result
		a, err := f.Invoke(s.ctx, []byte(text(sweep(f.cloud))))
		if err != nil || a.Failed || json.Unmarshal(a.Payload, &r) != nil {
			t.Errorf("the answer to a sweep in the calm is %.2000s %.2000s, %v", a.Payload, a.ErrorMessage, err)
			return
		}
		if s.sweeps > 1 && r.Summary.Due == 0 && r.Summary.Outcomes[handler.Unchanged] == len(s.put) {
			s.onceMore(t)
			return
		}
	}
	t.Errorf("after %d hours of calm an instance is still due", s.sweeps)
}

// onceMore delivers every need a last time. Every result has to be unchanged.
func (s *storm) onceMore(t *testing.T) {
	n := 0
	for some := range slices.Chunk(s.put, handler.MaxBatch) {
		var batch []any
		for _, i := range some {
			batch = append(batch, object{"InstanceId": i.InstanceID, "SSLEnabled": "Update", "RegionId": i.RegionID})
		}
		for _, f := range []*function{s.functions[0], s.functions[len(s.functions)-1]} {
			a, err := f.Invoke(s.ctx, []byte(text(batch)))
			var results []handler.Result
			if err != nil || a.Failed || json.Unmarshal(a.Payload, &results) != nil || len(results) != len(some) {
				t.Errorf("after the storm %s answers a batch with %.2000s %.2000s, %v", f.name, a.Payload, a.ErrorMessage, err)
				return
			}
			for _, r := range results {
				if n++; r.Outcome != handler.Unchanged {
					t.Errorf("after the storm %s ends a request for %s as %s: %s", f.name, r.InstanceID, r.Outcome, r.Reason)
				}
			}
		}
	}
	if n != 2*len(s.put) {
		t.Errorf("only %d of %d needs were delivered once more", n, 2*len(s.put))
	}
}
