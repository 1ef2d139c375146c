package chatops_test

import (
	"net/http"

	"tairssl/adapters/webhook/webhooktest"
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
	for name, f := range webhooktest.Forgeries(k.header, k.body) {
		all[name] = knock{k.path, f.Body, f.Header}
	}
	return all
}
