package fleetpage

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler/handlertest"
)

var (
	update = flag.Bool("update", false, "write the golden files again")
	pages  = flag.String("pages", "", "write sample pages to this `folder`, for a look in a browser")
)

func render(t interface{ Fatal(...any) }, p Page) string {
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// everyPage returns a page of each kind of fleet.
func everyPage() map[string]Page {
	return map[string]Page{"healthy": healthyFleet(), "small": smallFleet(), "dense": denseFleet(300), "large": denseFleet(20_000),
		"empty": {Generated: now, Unread: []string{"could not list cn-beijing"}}}
}

// written is a rendered page and its parsed elements. The tests share the pages and
// must not change them.
type written struct {
	text     string
	elements []*element
}

var writtenPages struct {
	sync.Mutex
	byKind map[string]written
}

func everyWrittenPage(t *testing.T) map[string]written {
	t.Helper()
	writtenPages.Lock()
	defer writtenPages.Unlock()
	if writtenPages.byKind == nil {
		all := map[string]written{}
		for kind, p := range everyPage() {
			text := render(t, p)
			all[kind] = written{text, parse(t, text)}
		}
		writtenPages.byKind = all
	}
	return writtenPages.byKind
}

// TestMain writes the pages instead of testing them if -pages is set.
func TestMain(m *testing.M) {
	flag.Parse()
	if *pages == "" {
		os.Exit(m.Run())
	}
	for name, p := range everyPage() {
		var b bytes.Buffer
		if err := errors.Join(Write(&b, p), os.WriteFile(filepath.Join(*pages, name+".html"), b.Bytes(), 0o644)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func TestPageOfASmallFleet(t *testing.T) {
	p := smallFleet()
	before := fmt.Sprint(p)
	got := render(t, p)
	if fmt.Sprint(p) != before {
		t.Error("Write changed the rows of the caller")
	}
	golden := filepath.Join("testdata", "fleet.html")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page has changed: look at it in a browser; if it is right, run this test with -update")
	}
}

func TestEveryGroupIsOnThePageOnce(t *testing.T) {
	elements := parse(t, render(t, smallFleet()))
	var want []string
	for _, g := range order {
		want = append(want, g.Word())
	}
	if len(order) != len(groups) {
		t.Fatalf("%d of %d groups have a place on the page", len(order), len(groups))
	}
	var headings []string
	for _, text := range texts(under(elements, "instances", "h3")) {
		headings = append(headings, strings.TrimRight(text, " 0123456789"))
	}
	if !slices.Equal(headings, want) {
		t.Errorf("the groups are %q, want %q", headings, want)
	}
	var counts []string
	for _, text := range texts(under(elements, "", "a")) {
		if _, word, ok := strings.Cut(text, " "); ok && slices.Contains(want, word) {
			counts = append(counts, text)
		}
	}
	if got := strings.Join(counts, ", "); got != "1 Expired, 1 Cannot be renewed in time, 1 Could not be read, 1 Wrong name, 2 Due, 3 Waiting, 1 Opted out, 1 Not running, 1 No encryption, 1 No TLS, 2 Fine" {
		t.Errorf("the counters are %s", got)
	}
	for _, g := range order {
		rows := under(elements, g.ID(), "tr")
		if len(rows) < 2 || !strings.Contains(rows[0].text, g.Note()) {
			t.Errorf("the group %s has no rows, or no note", g.Word())
		}
	}
}

func TestRowsSayWhenAndWhy(t *testing.T) {
	rows := map[string]string{}
	for _, row := range under(parse(t, render(t, smallFleet())), "instances", "tr") {
		for _, id := range []string{"01", "02", "04", "05", "07", "08", "09", "10", "11", "12", "13", "14"} {
			if strings.Contains(row.text, "gatnx"+id+"c") { // the id, and the region behind it
				rows[id] = row.text
			}
		}
	}
	for id, want := range map[string]string{
		"01": "in 12d 2026-12-06 13:00 UTCnext sweepDetails",
		"02": "in 200d 2027-06-12 13:00 UTC2027-05-13 13:00 UTC or later, in its window",
		"04": "3d ago 2026-11-21 12:00 UTCnext sweep",
		"05": "in 5d 2026-11-29 13:00 UTC2026-11-24 18:00 UTC when its window opens",
		"07": "in 25d 2026-12-19 12:00 UTC2026-12-14 12:00 UTC by Alibaba itself",
		"08": "in 30h 2026-11-25 18:00 UTC2026-11-28 12:00 UTC when its window opens after it expires",
		"09": "forbidden: the credentials may not call kvstore:DescribeInstanceSSL",
		"10": "2026-12-22 12:00 UTC moved by a freeze",
		"11": "in 150d 2027-04-23 12:00 UTC–The instance is Inactive.",
		"12": "2026-11-27 12:00 UTC in a later sweep",
		"13": "not planned an approval is missing",
		"14": "not planned opted out",
	} {
		if !strings.Contains(rows[id], want) {
			t.Errorf("the row of %s says %q, want %q in it", id, rows[id], want)
		}
	}
}

func TestAllTimesAreInOneZone(t *testing.T) {
	p := smallFleet()
	p.Zone = time.FixedZone("", 8*3600)
	elements := parse(t, render(t, p))
	times := under(elements, "", "time")
	if len(times) < 20 {
		t.Fatalf("the page has only %d times", len(times))
	}
	for _, e := range times {
		if !strings.HasSuffix(e.text, " UTC+8") || !strings.HasSuffix(e.attrs["datetime"], "Z") {
			t.Errorf("a time is shown as %q with datetime %q, want UTC+8 and UTC", e.text, e.attrs["datetime"])
		}
	}
	if times[0].text != "2026-11-24 20:00 UTC+8" {
		t.Errorf("the page says that it was made at %s", times[0].text)
	}
	for offset, want := range map[int]string{0: "UTC", 3600: "UTC+1", -5 * 3600: "UTC-5", 19800: "UTC+5:30", -12600: "UTC-3:30"} {
		if got := zoneOf(now.In(time.FixedZone("CST", offset))); got != want {
			t.Errorf("an offset of %d seconds is written as %s, want %s", offset, got, want)
		}
	}
}

func TestEveryInstanceHasOneRow(t *testing.T) {
	t.Parallel()
	handlertest.Check(t, func(t *rapid.T) {
		p := Page{Generated: now, RenewBefore: time.Duration(rapid.IntRange(0, 4320).Draw(t, "h")) * time.Hour}
		want := map[string]int{}
		at := func(name string) time.Time {
			if rapid.IntRange(0, 3).Draw(t, name+" is none") == 0 {
				return time.Time{}
			}
			return now.Add(time.Duration(rapid.IntRange(-2000, 3000).Draw(t, name)) * day)
		}
		for i := range rapid.IntRange(0, 30).Draw(t, "n") {
			r := Row{ID: fmt.Sprintf("r-%04d%s", i, rapid.String().Draw(t, "id")), Name: rapid.String().Draw(t, "name"), Region: rapid.String().Draw(t, "region"),
				Group: Group(rapid.IntRange(0, len(groups)-1).Draw(t, "group")), Expires: at("expires"),
				Renewal: Renewal{at("renewal"), Rule(rapid.IntRange(0, len(rules)-1).Draw(t, "rule"))},
				Why:     rapid.String().Draw(t, "why"), Facts: []Fact{{"a", rapid.String().Draw(t, "fact")}}, Commands: []string{rapid.String().Draw(t, "command")}}
			p.Rows = append(p.Rows, r)
			want[Plain(r.ID)]++
		}
		for range rapid.IntRange(0, 3).Draw(t, "freezes") {
			p.Freezes = append(p.Freezes, Span{at("from"), at("to")})
		}
		got := map[string]int{}
		for _, id := range ids(parse(t, render(t, p))) {
			got[id]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("the table has the ids %v, want each of %v once", got, want)
		}
	})
}

func TestPageIsWrittenWholeOrNotAtAll(t *testing.T) {
	full := errors.New("no space left on device")
	if err := Write(writerFunc(func([]byte) (int, error) { return 0, full }), smallFleet()); !errors.Is(err, full) {
		t.Errorf("on a full disk Write returns %v, want %v", err, full)
	}
	writes := 0
	if err := Write(writerFunc(func(b []byte) (int, error) { writes++; return len(b), nil }), smallFleet()); err != nil || writes != 1 {
		t.Errorf("the page came in %d writes with the error %v, want 1 write", writes, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
