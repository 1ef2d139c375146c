package fleetpage

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// element is one HTML element of a page.
type element struct {
	name  string
	attrs map[string]string
	path  []string // the elements around it and the element itself, as name#id
	text  string   // the text of the element and of all elements inside of it

	from, to int // the position of its text in the text of the page
}

// parse reads a page, which must be well formed.
func parse(t interface{ Fatalf(string, ...any) }, page string) (elements []*element) {
	// The text of a script is not markup. Another test compares it.
	if start, end := strings.Index(page, "<script>"), strings.Index(page, "</script>"); start >= 0 {
		page = page[:start+len("<script>")] + page[end:]
	}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []*element
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(open) > 0 {
				t.Fatalf("<%s> is never closed", open[len(open)-1].name)
			}
			for _, e := range elements {
				e.text = text.String()[e.from:e.to]
			}
			return elements
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}, from: text.Len()}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				e.path = slices.Clone(open[len(open)-1].path)
			}
			e.path = append(e.path, e.name+"#"+e.attrs["id"])
			elements, open = append(elements, e), append(open, e)
		case xml.EndElement:
			open[len(open)-1].to = text.Len()
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				text.Write(token)
			}
		}
	}
}

// under returns the elements called name inside the element with the given id, or in
// the whole page for "".
func under(elements []*element, id, name string) (found []*element) {
	for _, e := range elements {
		inside := id == "" || slices.ContainsFunc(e.path, func(s string) bool { return strings.HasSuffix(s, "#"+id) })
		if inside && e.name == name {
			found = append(found, e)
		}
	}
	return found
}

// texts returns the text of each element.
func texts(elements []*element) (texts []string) {
	for _, e := range elements {
		texts = append(texts, e.text)
	}
	return texts
}

// shape lists the elements of a page and the names of their attributes, without any
// text.
func shape(page []*element) string {
	var b strings.Builder
	for _, e := range page {
		var names []string
		for name := range e.attrs {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintln(&b, e.path, names)
	}
	return b.String()
}

// ids returns the instance ids in the table, one for each row. Commands are in <code>
// as well, so it looks only in row headers.
func ids(elements []*element) (ids []string) {
	for _, e := range under(elements, "instances", "code") {
		if e.path[len(e.path)-2] == "th#" {
			ids = append(ids, e.text)
		}
	}
	return ids
}
