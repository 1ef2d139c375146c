package fleetpage

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// element is what a page holds at one place.
type element struct {
	name  string
	attrs map[string]string
	path  []string // the elements around it and itself, by name and id
	text  string   // within it, with what elements in it hold

	read strings.Builder // of the text, until the element ends
}

// parse reads a page as a tree that must be well formed.
func parse(t interface{ Fatalf(string, ...any) }, page string) (elements []*element) {
	// A script is no markup; its text is compared elsewhere.
	if start, end := strings.Index(page, "<script>"), strings.Index(page, "</script>"); start >= 0 {
		page = page[:start+len("<script>")] + page[end:]
	}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(open) > 0 {
				t.Fatalf("<%s> is never closed", open[len(open)-1].name)
			}
			return elements
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				e.path = slices.Clone(open[len(open)-1].path)
			}
			e.path = append(e.path, e.name+"#"+e.attrs["id"])
			elements, open = append(elements, e), append(open, e)
		case xml.EndElement:
			last := open[len(open)-1]
			last.text = last.read.String()
			open = open[:len(open)-1]
		case xml.CharData:
			for _, e := range open {
				e.read.Write(token)
			}
		}
	}
}

// under finds the elements of a name inside the one with an id; "" is the page.
func under(elements []*element, id, name string) (found []*element) {
	for _, e := range elements {
		inside := id == "" || slices.ContainsFunc(e.path, func(s string) bool { return strings.HasSuffix(s, "#"+id) })
		if inside && e.name == name {
			found = append(found, e)
		}
	}
	return found
}

// texts are what elements hold, in order.
func texts(elements []*element) (texts []string) {
	for _, e := range elements {
		texts = append(texts, e.text)
	}
	return texts
}

// shape is the page without its words: its elements and their attributes.
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

// ids are those in the table, one for each row. Commands stand in code as well.
func ids(elements []*element) (ids []string) {
	for _, e := range under(elements, "instances", "code") {
		if e.path[len(e.path)-2] == "th#" {
			ids = append(ids, e.text)
		}
	}
	return ids
}
