package fleetpage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	fleet := func(rows ...Row) Page { return Page{Generated: now, RenewBefore: 30 * day, Rows: rows} }
	unread := healthyFleet()
	unread.Unread = []string{"could not list cn-beijing"}
	for name, test := range map[string]struct {
		page      Page
		calm      bool
		title     string
		sentences string
		next      string
	}{
		"a healthy fleet": {healthyFleet(), true, "All is well", "Nothing is due.", "orders-cache, in 31d"},
		"a certificate that the next sweep renews": {fleet(on("r-1", "carts", 9*day)), true, "Nothing needs a person",
			"1 is due and will be renewed without a person.", ""},
		"certificates that wait for their window": {fleet(on("r-1", "carts", 9*day, in(Waiting, now.Add(5*time.Hour), Window)), on("r-2", "", 8*day, in(Waiting, now.Add(3*time.Hour), Window))), true, "Nothing needs a person",
			"2 are due and will be renewed without a person.", "r-2, in 3h"},
		"a certificate that waits for an approval": {fleet(on("r-1", "carts", 9*day, in(Waiting, time.Time{}, Approval))), false, "1 instance needs a person",
			"1 is due and waits for a person. Nothing else is due.", ""},
		"a certificate of a paused fleet": {fleet(on("r-1", "carts", 9*day, in(Due, time.Time{}, Paused))), false, "1 instance needs a person",
			"1 is due and waits for a person. Nothing else is due.", ""},
		"an opted-out instance that is due":     {fleet(on("r-1", "carts", 9*day, in(OptedOut, time.Time{}, OptedOutRule))), false, "1 instance needs a person", "1 is due but opted out. Nothing else is due.", ""},
		"an opted-out instance that is not due": {fleet(on("r-1", "carts", 90*day, in(OptedOut, time.Time{}, OptedOutRule))), true, "All is well", "Nothing is due.", ""},
		"encryption that is off":                {fleet(noCertificate("r-1", "", NoEncryption, ""), noCertificate("r-2", "", NoTLS, "")), true, "All is well", "Nothing is due.", ""},
		"a region that could not be read":       {unread, false, "Not everything could be read", "Nothing is due.", "orders-cache, in 31d"},
		"an instance in every group": {smallFleet(), false, "6 instances need a person",
			"1 expired, 1 cannot be renewed in time, 1 could not be read, 1 with a wrong name, 1 is due and waits for a person, 1 is due but opted out. 4 are due and will be renewed without a person.", "leaderboard, in 6h"},
	} {
		v := test.page.verdict(test.page.Rows, test.page.tally(test.page.Rows))
		next := ""
		if v.Next != nil {
			next = v.Next.Name + ", " + v.Next.At.Away
		}
		if next != test.next {
			t.Errorf("with %s the next renewal is %q, want %q", name, next, test.next)
		}
		said := strings.TrimSpace(v.Needs + " " + v.Unattended)
		if v.Calm != test.calm || v.Title != test.title || said != test.sentences {
			t.Errorf("with %s the page says (calm: %v) %s: %s\nwant (calm: %v) %s: %s", name, v.Calm, v.Title, said, test.calm, test.title, test.sentences)
		}
		heading := under(parse(t, render(t, test.page)), "verdict", "h2")
		if want := map[bool]string{true: "fine", false: "late"}[test.calm]; len(heading) != 1 || heading[0].attrs["class"] != want {
			t.Errorf("with %s the heading does not have the style %s", name, want)
		}
	}
}

func TestEmptyFleetSaysWhatToDo(t *testing.T) {
	page := render(t, Page{Generated: now, Regions: []string{"cn-hangzhou"}, Unread: []string{"could not list cn-beijing: the role may not call kvstore:DescribeInstances"}})
	for _, want := range []string{"<title>No instances here", "No Tair instance was found in cn-hangzhou", "--region", "TAIRSSL_REGION", "kvstore:DescribeInstanceSSL", "--emulate", "2026-11-24 12:00 UTC", "could not list cn-beijing"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of an empty fleet does not contain %s", want)
		}
	}
}

func TestPageNamesItsRegionsAndItsCommand(t *testing.T) {
	page := render(t, smallFleet())
	for _, want := range []string{"15 instances in cn-beijing, cn-hangzhou, cn-qingdao, cn-shanghai", "may not call kvstore:DescribeInstances", "There is no instance in cn-qingdao", "due 30d before it expires", "Write it again with <code>tairssl status --all --html fleet.html --profile prod</code>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if got := regions(nil, []Row{{Region: "b"}, {Region: "a"}, {}, {Region: "b"}}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the regions of the rows are %q", got)
	}
}

// A large fleet must not overload a browser or a printer. The page says how many
// instances it leaves out.
func TestPageOfALargeFleetIsBounded(t *testing.T) {
	t.Parallel()
	kinds := everyWrittenPage(t)
	exactly := render(t, denseFleet(maxRows))
	for n, want := range map[int]struct {
		written
		rows, printed, bytes int
		says                 []string
	}{
		300:    {kinds["dense"], 300, 300, 300_000, nil},
		5000:   {written{exactly, parse(t, exactly)}, 5000, maxPrinted, 4_000_000, []string{"5,000 instances", `<p class="printed" data-most="500">Only the first 500 instances are printed`}},
		20_000: {kinds["large"], 5000, maxPrinted, 4_000_000, []string{"20,000 instances", "lists the 5,000 most urgent instances", "only counts the other 15,000", `<p class="printed" data-most="500">Only the first 500 instances are printed`}},
	} {
		page, elements := want.text, want.elements
		if len(page) > want.bytes {
			t.Errorf("the page of %d instances has %d bytes, want at most %d", n, len(page), want.bytes)
		}
		if got := len(ids(elements)); got != want.rows {
			t.Errorf("of %d instances the table lists %d, want %d", n, got, want.rows)
		}
		printed := want.rows
		for _, row := range under(elements, "instances", "tr") {
			if row.attrs["class"] == "unprinted" {
				printed--
			}
		}
		if printed != want.printed {
			t.Errorf("of %d instances %d are printed, want %d", n, printed, want.printed)
		}
		for _, says := range want.says {
			if !strings.Contains(page, says) {
				t.Errorf("the page of %d instances does not say %q", n, says)
			}
		}
		if len(want.says) == 0 && strings.Contains(page, `<p class="printed"`) {
			t.Errorf("the page of %d instances says that not all are printed", n)
		}
	}
}

// With more urgent instances than the table lists, the counters count all of them. A
// counter of a group without rows is no link.
func TestGroupsThatAreNotListedAreCounted(t *testing.T) {
	t.Parallel()
	p := Page{Generated: now, RenewBefore: 30 * day}
	for i := range maxRows + 10 {
		p.Rows = append(p.Rows, on(fmt.Sprintf("r-due%06d", i), "", 9*day))
	}
	p.Rows = append(p.Rows, on("r-fine", "", 90*day))
	_, page, _ := strings.Cut(render(t, p), `<nav aria-label="Groups">`)
	counters, _, _ := strings.Cut(page, "</nav>")
	elements := parse(t, counters)
	links := texts(under(elements, "", "a"))
	if !slices.Contains(links, "5,010 Due") || slices.Contains(links, "1 Fine") || !slices.Contains(texts(under(elements, "", "span")), "1 Fine") {
		t.Errorf("the links are %q, want a link to the group Due and none to the group Fine", links)
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 20_500: "20,500", 1_234_567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}
