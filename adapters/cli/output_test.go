package cli

import (
	"strings"
	"testing"
)

func TestNamesAreAColumnWhereTheyTellMore(t *testing.T) {
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
		if got := table.Render(); got != test.want {
			t.Errorf("%s: the table is\n%s\nwant\n%s", name, got, test.want)
		}
	}
	table := newInstanceTable("REGION")
	table.add("r-1", "r-1", "cn-hangzhou")
	table.add("r-2", "carts", "cn-hangzhou")
	if got, want := table.Render(), "INSTANCE  NAME   REGION\nr-1              cn-hangzhou\nr-2       carts  cn-hangzhou"; got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}
