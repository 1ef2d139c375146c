package cli

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

func TestNamesAreAColumnOnlyIfThereAreSome(t *testing.T) {
	for name, test := range map[string]struct {
		names map[string]string
		want  string
	}{
		"no names":                   {map[string]string{"r-1": ""}, "INSTANCE  REGION\nr-1       cn-hangzhou"},
		"names that are ids":         {map[string]string{"r-1": "r-1"}, "INSTANCE  REGION\nr-1       cn-hangzhou"},
		"a name":                     {map[string]string{"r-1": "carts"}, "INSTANCE  NAME   REGION\nr-1       carts  cn-hangzhou"},
		"a name of Chinese":          {map[string]string{"r-1": "购物车"}, "INSTANCE  NAME    REGION\nr-1       购物车  cn-hangzhou"},
		"a long name":                {map[string]string{"r-1": strings.Repeat("x", 256)}, "INSTANCE  NAME                       REGION\nr-1       xxxxxxxxxxxxxxxxxxxxxxxx…  cn-hangzhou"},
		"what a terminal would obey": {map[string]string{"r-1": "\x1b[31m"}, "INSTANCE  NAME        REGION\nr-1       \\u001b[31m  cn-hangzhou"},
	} {
		table := newInstanceTable("REGION")
		for id, name := range test.names {
			table.add(id, name, "cn-hangzhou")
		}
		if got := table.Render(0); got != test.want {
			t.Errorf("%s: the table is\n%s\nwant\n%s", name, got, test.want)
		}
	}
	table := newInstanceTable("REGION")
	table.add("r-1", "r-1", "cn-hangzhou")
	table.add("r-2", "carts", "cn-hangzhou")
	if got, want := table.Render(0), "INSTANCE  NAME   REGION\nr-1              cn-hangzhou\nr-2       carts  cn-hangzhou"; got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	fill := func() *instanceTable {
		table := newInstanceTable("REGION", "STATUS", "TLS", "EXPIRES", "WHY")
		table.add("r-bp1zxszhcgatnx01", "orders-cache-of-the-shop", "cn-hangzhou", "Normal", "on", "\x1b[32m2026-12-08 (in 12d)\x1b[0m", strings.Repeat("because ", 20))
		table.add("r-bp1zxszhcgatnx02", "购物车购物车购物车", "cn-hangzhou", "Normal", "on", "2026-12-08 (in 12d)", "")
		return table
	}
	whole := fill().Render(0)
	if !strings.Contains(whole, strings.TrimSpace(strings.Repeat("because ", 20))) || !strings.Contains(whole, "orders-cache-of-the-shop") {
		t.Errorf("without a terminal something is cut:\n%s", whole)
	}
	for width := 45; width <= 300; width++ {
		got := fill().Render(width)
		for _, line := range strings.Split(got, "\n") {
			if w := text.StringWidthWithoutEscSequences(line); w > width {
				t.Errorf("at %d columns a line has %d:\n%s", width, w, got)
				break
			}
		}
		for _, kept := range []string{"r-bp1zxszhcgatnx01", "r-bp1zxszhcgatnx02", "2026-12-08 (in 12d)"} {
			if !strings.Contains(got, kept) {
				t.Errorf("at %d columns %s is missing:\n%s", width, kept, got)
			}
		}
		if width >= 80 && !strings.Contains(got, "because") {
			t.Errorf("at %d columns the reason is missing:\n%s", width, got)
		}
	}
}

func TestACutReasonIsRepeatedBelowTheTable(t *testing.T) {
	table := newInstanceTable("REGION", "WHY")
	reason := "the instance is tagged tairssl=off, which keeps unattended changes away"
	table.add("r-bp1zxszhcgatnx01", "", "cn-hangzhou", reason)
	for width, want := range map[int]string{0: "", 200: "", 60: "r-bp1zxszhcgatnx01: " + reason + "\n"} {
		var out strings.Builder
		if tellCut(&out, table.Render(width), "r-bp1zxszhcgatnx01", reason); out.String() != want {
			t.Errorf("below a table of %d columns stands %q, want %q", width, out.String(), want)
		}
	}
}
