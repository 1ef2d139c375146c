package chatops_test

import (
	"net/http"
	"strings"
)

type knock struct {
	path, body string
	header     http.Header
}

// with copies a header and sets one field. Without values, it removes the field.
func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[name] = values
	if len(values) == 0 {
		delete(h, name)
	}
	return h
}

// forgeries makes requests that must be refused, from an authentic request.
func forgeries(k knock) map[string]knock {
	all := map[string]knock{}
	change := func(name string, f func(*knock)) {
		c := k
		c.header = k.header.Clone()
		f(&c)
		all[name] = c
	}
	flipped := func(s string) string {
		if s == "" {
			return "x"
		}
		b := []byte(s)
		b[len(b)/2] ^= 1
		return string(b)
	}
	for name := range k.header {
		if name == "Content-Type" {
			continue
		}
		value := k.header.Get(name)
		change("without "+name, func(c *knock) { c.header.Del(name) })
		change("empty "+name, func(c *knock) { c.header[name] = []string{""} })
		change("doubled "+name, func(c *knock) { c.header[name] = []string{value, value} })
		change("malformed "+name, func(c *knock) { c.header[name] = []string{"%%% \x00"} })
		change("cut "+name, func(c *knock) { c.header[name] = []string{value[:len(value)-1]} })
		change("longer "+name, func(c *knock) { c.header[name] = []string{value + "0"} })
		change("one bit of "+name, func(c *knock) { c.header[name] = []string{flipped(value)} })
		change("huge "+name, func(c *knock) { c.header[name] = []string{strings.Repeat(value, 1000)} })
	}
	if k.header.Get("Authorization") == "" {
		change("one bit of the body", func(c *knock) { c.body = flipped(c.body) })
		change("a byte more", func(c *knock) { c.body += " " })
	}
	change("another scheme", func(c *knock) { c.header = http.Header{"Authorization": {"Digest x"}} })
	change("nothing at all", func(c *knock) { c.header = nil })
	return all
}
