package handler_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

// A tag that only looks like a flag holds nobody back, and nobody removes it.
func TestTagsThatOnlyLookLikeFlags(t *testing.T) {
	five, now := handler.At(start.Add(5*day)).String(), handler.At(start).String()
	for name, value := range map[string]string{
		"an expiry that nobody reads": "Update/x/" + now + "/",
		"a time that nobody reads":    "Update/" + five + "/x/",
		"no time":                     "Update/" + five + "//",
		"no action":                   "/" + five + "/" + now + "/",
		"an action in small letters":  "update/" + five + "/" + now + "/",
		"three parts":                 "Update/" + five + "/" + now,
		"five parts":                  "Update/" + five + "/" + now + "//",
		"an order of 15 digits":       "Update/" + five + "/" + now + "/0123456789abcde",
		"an order of 17 digits":       "Update/" + five + "/" + now + "/0123456789abcdef0",
		"an order that is no number":  "Update/" + five + "/" + now + "/0123456789abcdeg",
		"an order in capitals":        "Update/" + five + "/" + now + "/0123456789ABCDEF",
		"nothing":                     "",
	} {
		o := expiring(5 * day)
		o.Tags = map[string]string{othersFlag: value}
		c, h := on(o, handler.Options{})
		if result := ask(t, h, update()); result.Outcome != handler.Accepted {
			t.Errorf("%s: ended %s (%s)", name, result.Outcome, result.Reason)
		}
		if left, there := c.TagsOf(id)[othersFlag]; !there || left != value {
			t.Errorf("%s: the tag was removed", name)
		}
		if dead := handler.DeadFlags(map[string]string{othersFlag: value}, start.Add(time.Hour)); dead != nil {
			t.Errorf("%s: an hour later %v may be removed", name, dead)
		}
	}
}

// DeadFlags lists exactly the flags that are no longer live, sorted. It includes the
// flags of older versions.
func TestWhichFlagsAreDead(t *testing.T) {
	tags := map[string]string{
		"tairssl-lease-bbbbbbbb": raisedBy("Update", start.Add(5*day), 45*time.Minute, ""),
		"tairssl-lease-aaaaaaaa": raisedBy("Enable", time.Time{}, -46*time.Minute, "0123456789abcdef"),
		"tairssl-lease-cccccccc": raisedBy("Disable", start.Add(5*day), 45*time.Minute-time.Second, ""),
		"tairssl-lease-dddddddd": raisedBy("Update", start.Add(5*day), -45*time.Minute+time.Second, ""),
		"tairssl-lease":          raisedBy("Update", start.Add(5*day), 15*time.Minute, "NONCE"),
		"tairssl-told":           "x", "env": "prod",
	}
	if got, want := handler.DeadFlags(tags, start), []string{"tairssl-lease", "tairssl-lease-aaaaaaaa", "tairssl-lease-bbbbbbbb"}; !slices.Equal(got, want) {
		t.Errorf("dead are %v, want %v", got, want)
	}
	if got := handler.DeadFlags(nil, start); got != nil {
		t.Errorf("without tags %v are dead", got)
	}
}

// A tag that is read as a flag is written back with the same meaning. Every other tag
// holds nobody back and stays.
func FuzzFlag(f *testing.F) {
	five := start.Add(5 * day)
	for _, value := range []string{
		raisedBy("Update", five, time.Minute, ""), raisedBy("Update", five, time.Hour, "0123456789abcdef"), raisedBy("Enable", time.Time{}, 0, ""),
		"Update/2026-11-29T20:00:00+08:00/2026-11-24T12:00:00.5Z/", "Update/x/y/z", "Disable////", "",
	} {
		f.Add(othersFlag, value)
		f.Add("tairssl-lease", value+"NONCE")
	}
	f.Add("tairssl-lease-ABCDEFGH", raisedBy("Update", five, 0, ""))
	f.Fuzz(func(t *testing.T, key, value string) {
		written, ok := handler.ReadFlag(key, value)
		if ok && key != "tairssl-lease" && !strings.Contains(written, "/10000-") && !strings.Contains(written, "/-") { // years without four digits
			if again, stillOK := handler.ReadFlag(key, written); !stillOK || again != written {
				t.Errorf("%q is written back as %q, and that as %q, %v", value, written, again, stillOK)
			}
		}
		o := expiring(5 * day)
		o.Tags = map[string]string{key: value}
		dead := handler.DeadFlags(o.Tags, start)
		c, h := on(o, handler.Options{})
		result := ask(t, h, update())
		_, left := c.TagsOf(id)[key]
		switch {
		case !ok && (result.Outcome != handler.Accepted || !left || dead != nil):
			t.Errorf("beside the tag %q=%q, which is no flag, it ended %s (%s), left %v, dead %v", key, value, result.Outcome, result.Reason, left, dead)
		case ok && left == (dead != nil):
			t.Errorf("the flag %q=%q, dead %v, is left: %v", key, value, dead, left)
		case result.Outcome != handler.Accepted && result.Outcome != handler.InProgress:
			t.Errorf("beside the flag %q=%q it ended %s (%s)", key, value, result.Outcome, result.Reason)
		}
	})
}
