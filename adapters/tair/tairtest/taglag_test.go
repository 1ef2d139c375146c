package tairtest_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// tagged are the tags of the instance that the API shows.
func (w *world) tagged() string {
	w.t.Helper()
	rows := w.ask("DescribeInstanceAttribute", "InstanceId="+id).rows()
	if len(rows) != 1 {
		w.t.Fatalf("the instance is listed %d times", len(rows))
	}
	var tags []string
	for _, t := range rows[0]["Tags"].(map[string]any)["Tag"].([]any) {
		tags = append(tags, fmt.Sprint(t.(map[string]any)["Key"], "=", t.(map[string]any)["Value"]))
	}
	return strings.Join(tags, " ")
}

func (w *world) tag(key, value string) {
	w.t.Helper()
	if got := w.ask("TagResources", "RegionId=cn-hangzhou&ResourceType=INSTANCE&ResourceId.1="+id+"&Tag.1.Key="+url.QueryEscape(key)+"&Tag.1.Value="+value).code(); got != "200" {
		w.t.Fatalf("the tag %s is answered %s", key, got)
	}
}

func (w *world) untag(key string) {
	w.t.Helper()
	if got := w.ask("UntagResources", "RegionId=cn-hangzhou&ResourceType=INSTANCE&ResourceId.1="+id+"&TagKey.1="+key).code(); got != "200" {
		w.t.Fatalf("the removal of the tag %s is answered %s", key, got)
	}
}

func TestEachTagShowsAtItsOwnMoment(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{TagLag: 10 * time.Second, TagLagMin: 2 * time.Second, Seed: 7}, tairtest.Instance{InstanceID: id})
	const keys = 20
	for n := range keys {
		w.tag(fmt.Sprintf("key%02d", n), "v")
	}
	var shown []int
	for range 11 {
		tags := strings.Fields(w.tagged())
		shown = append(shown, len(tags))
		w.Advance(time.Second)
	}
	if shown[0]+shown[1] != 0 || shown[10] != keys || !slices.IsSorted(shown) {
		t.Errorf("of %d tags these many show from second to second: %v; none may before 2 s, all must after 10 s", keys, shown)
	}
	if moments := len(slices.Compact(slices.Clone(shown))); moments < 5 {
		t.Errorf("the tags show at %d moments: %v", moments, shown)
	}
}

// A writer sets and removes one key again and again. Once a value is visible, no older
// value returns.
func TestAnOlderTagNeverReplacesANewerOne(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorldOf(t, tairtest.Options{TagLag: 10 * time.Second, TagLagMin: -1, Seed: seed + 1}, tairtest.Instance{InstanceID: id, Tags: map[string]string{"kept": "k"}})
		latest := func(was int) int { // the number of the visible step
			switch text, removed := strings.CutSuffix(w.tagged(), "kept=k"); {
			case !removed:
				t.Fatalf("seed %d: a tag that nobody touched is gone: %s", seed, text)
			case text == "":
				return was // before the first step, or after a removal
			default:
				var n int
				if _, err := fmt.Sscanf(text, "flag=%d", &n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			return 0
		}
		was := 0
		for n := range 40 {
			switch {
			case n < 20 && n%3 == 2:
				w.untag("flag")
			case n < 20:
				w.tag("flag", fmt.Sprint(n))
			}
			is := latest(was)
			if is < was {
				t.Fatalf("seed %d: after the value of step %d that of step %d shows", seed, was, is)
			}
			was = is
			w.Advance(500 * time.Millisecond)
		}
		if got := w.tagged(); got != "flag=19 kept=k" {
			t.Errorf("seed %d: in the end the tags are %s", seed, got)
		}
		w.tag("brief", "v")
		w.untag("brief")
		for range 20 {
			w.Advance(500 * time.Millisecond)
			w.tagged()
		}
		if got := w.tagged(); got != "flag=19 kept=k" {
			t.Errorf("seed %d: a tag that was removed at once leaves %s", seed, got)
		}
	}
}

func TestATagThatIsSetAgainAfterItsRemovalStays(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{TagLag: 4 * time.Second}, tairtest.Instance{InstanceID: id})
	w.tag("flag", "1")
	w.untag("flag")
	w.tag("flag", "2")
	w.Advance(4 * time.Second)
	if got := w.tagged(); got != "flag=2" {
		t.Errorf("the tags are %s", got)
	}
	w.untag("flag")
	if got := w.tagged(); got != "flag=2" || len(w.instance().Tags) != 0 {
		t.Errorf("right after the removal the API shows %q, and the instance has %v", got, w.instance().Tags)
	}
	w.Advance(4 * time.Second)
	if got := w.tagged(); got != "" {
		t.Errorf("a removed tag still shows: %s", got)
	}
}

func TestATagPolicyForbidsKeys(t *testing.T) {
	w := newWorld(t)
	w.TagPolicy("tairssl-*", "cost/?")
	for key, want := range map[string]string{
		"tairssl-lease-a1b2c3d4": "403 Forbidden.TagPolicy", "cost/a": "403 Forbidden.TagPolicy", "tairssl": "200", "cost/ab": "200",
	} {
		query := "RegionId=cn-hangzhou&ResourceType=INSTANCE&ResourceId.1=" + id + "&Tag.1.Key=free&Tag.2.Key=" + url.QueryEscape(key)
		if got := w.ask("TagResources", query).code(); got != want {
			t.Errorf("the tag %s is answered %s, want %s", key, got, want)
		}
		if _, set := w.instance().Tags[key]; set != (want == "200") {
			t.Errorf("after %s the tags are %v", want, w.instance().Tags)
		}
	}
	if status, text := w.control("tag-policy", `{"Keys":[]}`); status != 200 || text != `{"Keys":[]}` {
		t.Errorf("an empty policy is answered %d %s", status, text)
	}
	w.tag("tairssl-lease-a1b2c3d4", "v")
	if status, text := w.control("tag-policy", `{"Keys":["*"]}`); status != 200 || text != `{"Keys":["*"]}` {
		t.Errorf("a policy is answered %d %s", status, text)
	}
	w.untag("tairssl-lease-a1b2c3d4") // a tag policy does not forbid a removal
}
