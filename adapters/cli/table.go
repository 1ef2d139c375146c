package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tairssl/adapters/cli/fleetpage"
)

// newTable is a table without borders, so that other programs can also cut and search it.
func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.AppendHeader(table.Row(header))
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", gap
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	return t
}

// gap is the text between two columns.
const gap = "  "

// instanceTable is a table of instances that fits into a terminal.
type instanceTable struct {
	header []string
	rows   [][]string
}

// longestName is the number of characters of a name that a table shows. Names may have 256.
const longestName = 24

// fits says how a column makes room in a narrow terminal. Its cells may be cut to least
// characters; 0 means that they are never cut. A column with a lower order is left out
// first; a column with order 0 always stays.
var fits = map[string]struct{ least, order int }{
	"NAME":      {least: 10, order: 4},
	"REGION":    {order: 3},
	"ACTION":    {order: 2},
	"STATUS":    {order: 5},
	"TLS":       {order: 6},
	"REQUEST":   {order: 1},
	"ENDPOINT":  {order: 1},
	"CERT NAME": {order: 1},
	"WHY":       {least: 24, order: 7},
}

func newInstanceTable(header ...string) *instanceTable {
	return &instanceTable{header: append([]string{"INSTANCE", "NAME"}, header...)}
}

func (t *instanceTable) add(id, name string, cells ...string) {
	if name == id {
		name = ""
	}
	t.rows = append(t.rows, append([]string{id, text.Snip(fleetpage.Plain(name), longestName+1, "…")}, cells...))
}

// Render writes the table with at most width columns of characters; 0 means any width.
// It leaves out empty columns, for example NAME if no instance has a name.
func (t *instanceTable) Render(width int) string {
	widths := t.widths()
	if width > 0 {
		t.fit(widths, width)
	}
	header := make([]any, len(t.header))
	configs := make([]table.ColumnConfig, len(t.header))
	for i, title := range t.header {
		header[i] = title
		configs[i] = table.ColumnConfig{Number: i + 1, Hidden: widths[i] == 0, WidthMax: widths[i], WidthMaxEnforcer: snip}
	}
	drawn := newTable(header...)
	drawn.SetColumnConfigs(configs)
	for _, row := range t.rows {
		cells := make(table.Row, len(row))
		for i, cell := range row {
			cells[i] = cell
		}
		drawn.AppendRow(cells)
	}
	return drawn.Render()
}

func snip(cell string, width int) string { return text.Snip(cell, width, "…") }

// widths are the natural widths of the columns; 0 for an empty column.
func (t *instanceTable) widths() []int {
	widths := make([]int, len(t.header))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	for i, title := range t.header {
		if widths[i] > 0 {
			widths[i] = max(widths[i], len(title))
		}
	}
	return widths
}

// fit makes columns narrower, and then leaves columns out, until the rest fits.
func (t *instanceTable) fit(widths []int, room int) {
	over := func() int {
		sum := -len(gap)
		for _, w := range widths {
			if w > 0 {
				sum += w + len(gap)
			}
		}
		return sum - room
	}
	for i, title := range t.header {
		if least := fits[title].least; title != "WHY" && least > 0 && over() > 0 {
			widths[i] = max(min(widths[i], least), widths[i]-over())
		}
	}
	// WHY gets the remaining room. Other columns are left out before WHY becomes too short.
	why := slices.Index(t.header, "WHY")
	for _, i := range t.leaving() {
		if why >= 0 && widths[why] > 0 && widths[why]-over() >= min(widths[why], fits["WHY"].least) {
			widths[why] -= max(over(), 0)
		}
		if over() <= 0 {
			return
		}
		widths[i] = 0
	}
}

// leaving are the columns that may be left out, in the order in which they are left out.
func (t *instanceTable) leaving() (columns []int) {
	for i, title := range t.header {
		if fits[title].order > 0 {
			columns = append(columns, i)
		}
	}
	slices.SortFunc(columns, func(a, b int) int { return cmp.Compare(fits[t.header[a]].order, fits[t.header[b]].order) })
	return columns
}

// width is the greatest width of a table; 0 means any width. With -o wide a table shows
// all columns, even if the terminal is too narrow.
func (c *command) width() int {
	if c.output == "wide" {
		return 0
	}
	return c.Columns
}

// mostInFull is the greatest number of rows whose reasons are all repeated in full below a
// table that cut them.
const mostInFull = 3

// tellCut repeats a reason below the drawn table if a narrow terminal cut it there.
func tellCut(w io.Writer, drawn, id, reason string) {
	if reason != "" && !strings.Contains(drawn, fleetpage.Plain(reason)) && !strings.Contains(drawn, reason) {
		fmt.Fprintf(w, "%s: %s\n", id, reason)
	}
}
