package rehearsal_test

import (
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/rehearsal"
)

// seen makes a record from looks one second apart. The first look is at the time when the
// change is sent. N and M are looks with the old expiry, n and m are looks with the new
// expiry. N and n show the status Normal, M and m show SSLModifying.
func seen(looks string) rehearsal.Record {
	sent := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	r := rehearsal.Record{Sent: sent, Answered: sent}
	for n, look := range looks {
		s := rehearsal.Sighting{At: sent.Add(time.Duration(n) * time.Second), Status: "Normal", Expires: sent.AddDate(0, 0, 12)}
		if strings.ContainsRune("Mm", look) {
			s.Status = "SSLModifying"
		}
		if strings.ContainsRune("nm", look) {
			s.Expires = sent.AddDate(3, 0, 0)
		}
		r.Sightings = append(r.Sightings, s)
	}
	return r
}

func TestEffectFromLooks(t *testing.T) {
	const none = -1
	for looks, want := range map[string]struct {
		shows, from, lasts, moved, complete, stale int // in seconds
		moves                                      string
	}{
		"NNNN":           {none, none, none, none, none, 0, ""},
		"NNMMMMnnn":      {2, 2, 4, 6, 6, 0, "at the end of SSLModifying"},
		"NNMMMmnnn":      {2, 2, 4, 5, 6, 0, "at the end of SSLModifying"}, // in look 5 the status is older than the expiry
		"NNMMMMNnn":      {2, 2, 4, 7, 7, 0, "at the end of SSLModifying"}, // in look 6 the expiry is older than the status
		"NNMMMMNNNnn":    {2, 2, 4, 9, 9, 0, "after SSLModifying"},
		"NNmmmmnn":       {2, 2, 4, 2, 6, 0, "at the start of SSLModifying"},
		"NNnmmmmnn":      {2, 3, 4, 2, 7, 0, "at the start of SSLModifying"},
		"NNMmmmmnn":      {2, 2, 5, 3, 7, 0, "at the start of SSLModifying"},
		"NNnnnmmmmnn":    {2, 5, 4, 2, 9, 0, "before SSLModifying showed"},
		"NNMMMmmmmnn":    {2, 2, 7, 5, 9, 0, "during SSLModifying"},
		"NNMMMM":         {2, 2, none, none, none, 0, ""},
		"NNMMMmmm":       {2, 2, none, 5, none, 0, "during SSLModifying"},
		"NNnnn":          {2, none, none, 2, 2, 0, "SSLModifying was never seen"},
		"NNMNMNMMnn":     {2, 2, 6, 8, 8, 3, "at the end of SSLModifying"}, // stale at 3 and 5, after the first sign at 2
		"NNMMMnNnNnn":    {2, 2, 3, 5, 9, 3, "at the end of SSLModifying"}, // stale at 6 and 8, after the expiry moved at 5
		"NNMMMMnnmnn":    {2, 2, 7, 6, 9, 2, "during SSLModifying"},        // stale at 8, after the end at 6
		"NNMMMMnnnnnNNN": {2, 2, 4, 6, none, 7, "at the end of SSLModifying"},
	} {
		r := seen(looks)
		e := r.Effect(r.Sightings[0].Expires)
		for what, pair := range map[string]struct {
			got  *time.Duration
			want int
		}{
			"it shows after": {(*time.Duration)(e.Shows), want.shows}, "SSLModifying begins after": {(*time.Duration)(e.ModifyingFrom), want.from},
			"SSLModifying lasts": {(*time.Duration)(e.ModifyingFor), want.lasts}, "the expiry moves after": {(*time.Duration)(e.ExpiryMoved), want.moved},
			"it is complete after": {(*time.Duration)(e.Complete), want.complete},
		} {
			got := none
			if pair.got != nil {
				got = int(*pair.got / time.Second)
			}
			if got != pair.want {
				t.Errorf("%s: %s %ds, want %ds", looks, what, got, pair.want)
			}
		}
		if int(time.Duration(e.Stale)/time.Second) != want.stale || e.ExpiryMoves != want.moves || time.Duration(e.Precision) != time.Second {
			t.Errorf("%s: answers are stale for %s, the expiry moves %q, the precision is %s; want %ds, %q and 1s", looks, time.Duration(e.Stale), e.ExpiryMoves, time.Duration(e.Precision), want.stale, want.moves)
		}
	}
}
