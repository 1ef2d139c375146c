package notify

import (
	"context"
	"errors"
	"sync"

	"tairssl/handler"
)

// Place is a receiver of notices, without its secrets.
type Place struct {
	Vendor string // the scheme of its URL
	Host   string // with the port, if there is one
}

// Places lists the places of the URLs, in their order.
func (u URLs) Places() []Place {
	places := make([]Place, len(u))
	for i, t := range u {
		places[i] = Place{t.name, t.url.Host}
	}
	return places
}

// Try sends a test message to every place. It returns the error of each, in the order of
// the URLs, nil where the message was taken. It remembers nothing.
func (n *Notifier) Try(ctx context.Context) []error {
	d := digest{title: "tairssl: a test message", most: mostWhy, lines: []line{{
		class: verified, who: "tairssl doctor", what: "this is a test, nothing was changed",
		note: Note{Result: handler.Result{Outcome: "test"}},
	}}}
	errs := make([]error, len(n.urls))
	var all sync.WaitGroup
	for i, t := range n.urls {
		errs[i] = handler.Unexpected() // until the try is over
		all.Go(func() {
			n.guarded(ctx, func() {
				if errs[i] = n.deliver(ctx, t, d); errs[i] != nil {
					errs[i] = errors.New(t.redact(errs[i].Error()))
				}
			})
		})
	}
	all.Wait()
	return errs
}
