package cli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// fleetOf puts instances into a separate region. expiries has the days until each expiry; a
// negative number is an expiry in the past.
func fleetOf(t *testing.T, s *shell, expiries map[string]int) {
	t.Helper()
	var all []tairtest.Instance
	for id, days := range expiries {
		all = append(all, tairtest.Instance{InstanceID: id, RegionID: "cn-shenzhen", SSLExpiredTime: s.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339)})
	}
	if err := s.Put(all...); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-shenzhen")
}

func TestCheckListsInstancesThatNeedAPerson(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expiries map[string]int
		environ  string
		code     int
		named    []string
	}{
		"all is well":                        {map[string]int{"r-fine0001": 300}, "TAIRSSL_WINDOW=any", 0, nil},
		"due":                                {map[string]int{"r-fine0001": 300, "r-due00001": 9}, "TAIRSSL_WINDOW=any", 1, []string{"r-due00001"}},
		"due, and the window opens in time":  {map[string]int{"r-due00001": 20}, "TAIRSSL_WINDOW=Sun 02:00-02:01", 0, nil},
		"due, and nobody approved it":        {map[string]int{"r-due00001": 20}, "TAIRSSL_APPROVAL=required", 1, []string{"r-due00001"}},
		"due, and all changes are paused":    {map[string]int{"r-due00001": 20}, "TAIRSSL_PAUSE=1", 1, []string{"r-due00001"}},
		"due, and not among the instances":   {map[string]int{"r-due00001": 20}, "TAIRSSL_INSTANCES=r-other*", 1, []string{"r-due00001"}},
		"expired":                            {map[string]int{"r-due00001": 9, "r-past0001": -1}, "TAIRSSL_WINDOW=any", 2, []string{"r-due00001", "r-past0001"}},
		"a freeze that outlasts the expiry":  {map[string]int{"r-due00001": 5}, "TAIRSSL_FREEZE=2020-01-01/2090-01-01", 2, []string{"r-due00001"}},
		"not due, and not among the allowed": {map[string]int{"r-fine0001": 300}, "TAIRSSL_INSTANCES=r-other*", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			fleetOf(t, s, c.expiries)
			s.environ = append(s.environ, c.environ)
			code, out, stderr := s.run("", "status", "--all", "--check", "-o", "json")
			var named []struct{ InstanceID string }
			if err := json.Unmarshal([]byte(out), &named); err != nil {
				t.Fatalf("%v:\n%s%s", err, out, stderr)
			}
			var ids []string
			for _, n := range named {
				ids = append(ids, n.InstanceID)
			}
			slices.Sort(ids)
			if code != c.code || !slices.Equal(ids, c.named) {
				t.Errorf("the exit code is %d and names %v, want %d and %v:\n%s", code, ids, c.code, c.named, stderr)
			}
			_, out, _ = s.run("", "status", "--all", "--check")
			for _, id := range c.named {
				if !strings.Contains(out, id) {
					t.Errorf("the table does not name %s:\n%s", id, out)
				}
			}
			if c.named == nil && !strings.HasPrefix(out, "Nothing to look at: 1 instance") {
				t.Errorf("it says\n%s", out)
			}
		})
	}
}

func TestStatusSaysWhyAnInstanceWasNotRenewed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*tairtest.Instance)
		environ string
		wants   []string
	}{
		"nothing holds it":   {func(*tairtest.Instance) {}, "TAIRSSL_WINDOW=any", []string{"It is due since", "The next sweep renews it.", "To renew it now: tairssl update r-abcd1234 --region cn-hangzhou"}},
		"opted out":          {func(i *tairtest.Instance) { i.Tags = map[string]string{"tairssl": "off"} }, "TAIRSSL_WINDOW=any", []string{"Its tag tairssl=off prevents unattended changes.", "The next sweep does not renew it"}},
		"outside its window": {func(*tairtest.Instance) {}, "TAIRSSL_WINDOW=Sun 02:00-02:01", []string{"it opens", "The next sweep does not renew it: deferred to the maintenance window"}},
		"not due":            {func(i *tairtest.Instance) { i.SSLExpiredTime = "2090-01-01T00:00:00Z" }, "TAIRSSL_WINDOW=any", []string{"It is not due before 2089-12-02 00:00 UTC", "does not change it"}},
		"off":                {func(i *tairtest.Instance) { i.SSLEnabled, i.SSLExpiredTime = "Disable", "" }, "TAIRSSL_WINDOW=any", []string{"Encryption is off", "tairssl enable r-abcd1234 --region cn-hangzhou"}},
		"not approved":       {func(*tairtest.Instance) {}, "TAIRSSL_APPROVAL=required", []string{"Nobody approved", "tairssl approve r-abcd1234 --region cn-hangzhou"}},
		"frozen":             {func(*tairtest.Instance) {}, "TAIRSSL_FREEZE=2020-01-01/2090-01-01", []string{"Changes are frozen until 2090-01-02 00:00 UTC (TAIRSSL_FREEZE)."}},
		"paused":             {func(*tairtest.Instance) {}, "TAIRSSL_PAUSE=1", []string{"All changes are paused by TAIRSSL_PAUSE.", "To renew it, unset TAIRSSL_PAUSE first."}},
		"excluded":           {func(*tairtest.Instance) {}, "TAIRSSL_INSTANCES=*,!r-abcd1234", []string{"To renew it, include it in TAIRSSL_INSTANCES first."}},
		"not allowed":        {func(*tairtest.Instance) {}, "TAIRSSL_ACTIONS=Enable", []string{"To renew it, add Update to TAIRSSL_ACTIONS first."}},
		"being changed": {func(i *tairtest.Instance) {
			i.Tags = map[string]string{"tairssl-lease-abcdefgh": "Update/" + i.SSLExpiredTime + "/" + time.Now().UTC().Format(time.RFC3339) + "/"}
		}, "TAIRSSL_WINDOW=any", []string{"A change, Update, began", "Nobody else changes the instance until"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			i := tairtest.Instance{InstanceID: "r-abcd1234", SSLExpiredTime: s.Now().AddDate(0, 0, 10).UTC().Format(time.RFC3339)}
			c.change(&i)
			if err := s.Put(i); err != nil {
				t.Fatal(err)
			}
			s.environ = append(s.environ, c.environ)
			code, out, stderr := s.run("", "status", "r-abcd1234")
			for _, want := range c.wants {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s%s", want, out, stderr)
				}
			}
			if code != 0 {
				t.Errorf("the exit code is %d", code)
			}
		})
	}
}
