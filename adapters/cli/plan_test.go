package cli

import (
	"testing"

	"tairssl/handler/fleet"
)

func TestAPlanCountsInSentences(t *testing.T) {
	for want, totals := range map[string]fleet.Totals{
		"0 certificates are renewed":                                                             {},
		"1 certificate is renewed, 1 is not renewed before then":                                 {Renewed: 1, Later: 1},
		"2 certificates are renewed, 3 are not renewed before then":                              {Renewed: 2, Later: 3, Late: 4}, // another sentence counts the late ones
		"0 certificates are renewed, 1 instance has no certificate or does not run":              {Without: 1},
		"0 certificates are renewed, 2 instances have no certificate or do not run":              {Without: 2},
		"5 certificates are renewed, 1 instance could not be read":                               {Renewed: 5, Unread: 1},
		"1 certificate is renewed, 2 are not renewed before then, 2 instances could not be read": {Renewed: 1, Later: 2, Unread: 2},
	} {
		if got := totalsInWords(totals); got != want {
			t.Errorf("%+v is %q, want %q", totals, got, want)
		}
	}
}
