package doctor

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// slow is the slowest answer that leaves the lease enough time: a read and the
// writing of a tag have to finish within half a second.
const slow = 200 * time.Millisecond

// reached is the finding of a region's endpoint, and its answer if there is one.
type reached struct {
	Finding
	answer *answer
}

// reach asks each region's endpoint without a credential. The first answer also
// shows whether the clock is right.
func (x *examination) reach() (clock, endpoints []Finding) {
	regions := x.settings.Region
	x.silent = map[string]bool{}
	for i, r := range each(regions, x.endpoint) {
		endpoints = append(endpoints, r.Finding)
		switch {
		case r.answer == nil:
			x.silent[regions[i]] = true
		case clock == nil:
			clock = []Finding{judgeClock(*r.answer)}
		}
	}
	if clock == nil {
		clock = []Finding{skip(Clock, "", "no endpoint answered")}
	}
	return clock, endpoints
}

// endpoint asks the endpoint of one region.
func (x *examination) endpoint(region string) reached {
	base := x.settings.Endpoint.URL(region)
	transport := tair.NewTransport(x.settings.Roots())
	defer transport.CloseIdleConnections()
	first, err := ask(x.ctx, transport, http.MethodGet, base+"/")
	host := strings.SplitN(base, "://", 2)[1]
	if err != nil {
		return reached{Finding: x.unreached(Endpoint, region, host, err)}
	}
	// Only later requests show how long a call takes, because the first one opens the
	// connection. The quickest request counts, because a single request may be slow by
	// chance.
	var second answer
	for tries := 0; tries == 0 || tries < 3 && second.took > slow; tries++ {
		again, err := ask(x.ctx, transport, http.MethodGet, base+"/")
		if err != nil {
			return reached{Finding: x.unreached(Endpoint, region, host, err)}
		}
		if tries == 0 || again.took < second.took {
			second = again
		}
	}
	who := host
	if first.addr != host {
		who += " at " + first.addr
	}
	found := fmt.Sprintf("%s, %s, connected in %s, answers in %s", who, secured(first.tls), rounded(first.connects), rounded(second.took))
	switch {
	case first.status >= 300 && first.status < 400:
		return reached{Finding: fail(Endpoint, region, handler.Unavailable, host+" answers with a redirect, which is not followed", "set TAIRSSL_ENDPOINT to the target of the redirect, if it belongs to Alibaba")}
	case !bytes.Contains(first.body, []byte("RequestId")): // every answer of Alibaba's gateway has one
		return reached{warn(Endpoint, region, found+fmt.Sprintf("; its answer, status %d, does not look like Alibaba's", first.status), "check whether a proxy answers instead of the endpoint"), &second}
	case second.took > slow:
		return reached{warn(Endpoint, region, found, fmt.Sprintf("above %s the lease may not be taken in time: run nearer to the region, or inside Alibaba's network with TAIRSSL_ENDPOINT=vpc", slow)), &second}
	}
	return reached{pass(Endpoint, region, "%s", found), &second}
}

// rounded rounds to 10 µs below 1 ms, and to 1 ms above.
func rounded(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// secured describes the TLS of a connection.
func secured(state *tls.ConnectionState) string {
	if state == nil {
		return "without TLS on this machine"
	}
	s := tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		s += ", certificate until " + state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)
	}
	return s
}
