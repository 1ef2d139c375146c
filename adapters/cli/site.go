package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// site is an address, and the handler that answers there.
type site struct {
	addr     string
	open     []string // the routes, for the printed list
	handler  http.Handler
	listener net.Listener
}

// add adds a route to the site.
func (s *site) add(route string, h http.Handler) {
	mux := http.NewServeMux()
	mux.Handle("/", s.handler)
	mux.Handle(route, h)
	s.handler, s.open = mux, append(s.open, route)
}

// listen opens all sites or none, and prints their addresses and routes.
func (c *command) listen(ctx context.Context, sites []*site) error {
	for i, s := range sites {
		var err error
		if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr); err != nil {
			for _, opened := range sites[:i] {
				_ = opened.listener.Close()
			}
			return err
		}
	}
	for _, s := range sites {
		fmt.Fprintf(c.Stdout, "http://%s\nopen: %v\n", s.listener.Addr(), s.open)
	}
	return nil
}

// serveUntil serves the sites until ctx ends. It then waits for requests and for
// handed-over work.
func serveUntil(ctx context.Context, sites []*site, work *background) error {
	served := make(chan error, len(sites))
	servers := make([]*http.Server, len(sites))
	for i, s := range sites {
		servers[i] = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute}
		go func() { served <- servers[i].Serve(s.listener) }()
	}
	running, patience := len(sites), graceful
	var failed error
	select {
	case failed = <-served:
		running, patience = running-1, 0
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for _, server := range servers {
		failed = errors.Join(failed, server.Shutdown(ctx))
	}
	work.end(patience)
	for range running {
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			failed = errors.Join(failed, ended)
		}
	}
	return failed
}
