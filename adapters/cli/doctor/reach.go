package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

const (
	askTimeout = 5 * time.Second // as long as a call may take
	maxAnswer  = 16 << 10
	// slow is what an answer may take: to take the lease, a read and the tag
	// have to come back within half a second.
	slow = 200 * time.Millisecond
	// Alibaba refuses what is signed by a clock that is 15 minutes off. Beyond
	// skewWarns the ages of leases that others took are misjudged.
	skewFails, skewWarns = 5 * time.Minute, 30 * time.Second
)

// answer is what somebody says who is asked for nothing.
type answer struct {
	addr     string // who answered
	tls      *tls.ConnectionState
	took     time.Duration // once the connection was there
	connects time.Duration
	date     time.Time // by the answer; zero if it has none
	skew     time.Duration
	body     []byte
	status   int
}

// reach asks each region's endpoint, without a credential.
func (x *examination) reach() (clock, endpoints []Finding) {
	regions := x.settings.Region
	found, answers := make([]Finding, len(regions)), make([]*answer, len(regions))
	var all sync.WaitGroup
	for i, region := range regions {
		all.Go(func() { found[i], answers[i] = x.endpoint(region) })
	}
	all.Wait()
	x.silent = map[string]bool{}
	clock = []Finding{skip(Clock, "", "no endpoint answered")}
	for i := len(regions) - 1; i >= 0; i-- { // the first that answered is left
		if answers[i] == nil {
			x.silent[regions[i]] = true
			continue
		}
		clock = []Finding{judgeClock(*answers[i])}
	}
	return clock, found
}

func (x *examination) endpoint(region string) (Finding, *answer) {
	base := x.settings.Endpoint.URL(region)
	transport := tair.NewTransport(x.settings.Roots())
	defer transport.CloseIdleConnections()
	first, err := ask(x.ctx, transport, http.MethodGet, base+"/")
	host := strings.SplitN(base, "://", 2)[1]
	if err != nil {
		return x.unreached(Endpoint, region, host, err), nil
	}
	// A later answer costs no connection: so long does every call take. The quickest
	// counts, for one may be slow by chance.
	var second answer
	for tries := 0; tries == 0 || tries < 3 && second.took > slow; tries++ {
		again, err := ask(x.ctx, transport, http.MethodGet, base+"/")
		if err != nil {
			return x.unreached(Endpoint, region, host, err), nil
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
		return fail(Endpoint, region, handler.Unavailable, host+" answers with a redirect, which is not followed", "set TAIRSSL_ENDPOINT to where it leads, if that is Alibaba's"), nil
	case !bytes.Contains(first.body, []byte("RequestId")): // which every answer of Alibaba's gateway has
		return warn(Endpoint, region, found+fmt.Sprintf("; its answer, status %d, does not look like Alibaba's", first.status), "look what stands between, a proxy for one"), &second
	case second.took > slow:
		return warn(Endpoint, region, found, fmt.Sprintf("above %s the lease may not be had in time: run nearer to the region, or inside Alibaba's network with TAIRSSL_ENDPOINT=vpc", slow)), &second
	}
	return pass(Endpoint, region, "%s", found), &second
}

func rounded(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

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

func judgeClock(a answer) Finding {
	off := a.skew.Abs()
	where := "behind"
	if a.skew > 0 {
		where = "ahead"
	}
	found := fmt.Sprintf("this machine's is %s %s of the endpoint's", off.Round(time.Second), where)
	const fix = "set it by NTP: timedatectl set-ntp true, or chronyc makestep"
	switch {
	case a.date.IsZero():
		return unknown(Clock, "", "the endpoint's answer has no date", "")
	case off > skewFails:
		return fail(Clock, "", handler.Internal, found+"; by 15m Alibaba refuses every call", fix)
	case off > skewWarns:
		return warn(Clock, "", found, fix)
	}
	return pass(Clock, "", "within %s of the endpoint's", max(off.Round(time.Second), time.Second))
}

var errProxy = errors.New("the proxy of HTTPS_PROXY or HTTP_PROXY is no address")

// ask sends a request without a body, a credential or anything that means
// something, and reads what is said to it.
func ask(ctx context.Context, transport http.RoundTripper, method, to string) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	began, had := time.Now(), time.Time{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		had, a.addr = time.Now(), info.Conn.RemoteAddr().String()
	}})
	req, err := http.NewRequestWithContext(ctx, method, to, nil)
	if err != nil {
		return a, errors.New("it is no address")
	}
	if _, err := http.ProxyFromEnvironment(req); err != nil {
		return a, errProxy // its own error may hold a password
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return a, err
	}
	ended := time.Now()
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if err != nil {
		return a, err
	}
	a.status, a.tls, a.connects, a.took = resp.StatusCode, resp.TLS, had.Sub(began), ended.Sub(had)
	if a.date, err = http.ParseTime(resp.Header.Get("Date")); err == nil {
		// A date counts whole seconds, so it is half of one later on average. Wall
		// clocks are compared, hence no monotonic reading.
		between := had.Add(a.took / 2).Round(0)
		a.skew = between.Sub(a.date.Add(500 * time.Millisecond))
	}
	return a, nil
}

// unreached is the finding of somebody who could not be asked: which step on
// the way failed, and what to do about it.
func (x *examination) unreached(check, on, host string, err error) Finding {
	if why := x.over(); why != "" {
		return x.cutShort(check, on, why)
	}
	step, found := stage(err)
	return fail(check, on, handler.Unavailable, host+": "+found, mends[step].of(check))
}

// step is one on the way to an answer.
type step int

const (
	byProxy step = iota
	byName
	byConnecting
	byAuthority
	byHost
	byValidity
	byTLS
	byTime
	byAnything
)

// mend is what to do about a step that failed, and if it is to an endpoint.
type mend struct{ anywhere, endpoint string }

func (m mend) of(check string) string {
	if check == Endpoint && m.endpoint != "" {
		return m.endpoint
	}
	return m.anywhere
}

var mends = [...]mend{
	byProxy:      {"correct it, or unset it", ""},
	byName:       {"check the name, and this network's DNS", "check TAIRSSL_REGION and TAIRSSL_ENDPOINT, and this network's DNS"},
	byConnecting: {"let this network out to it, by a NAT gateway or a proxy (HTTPS_PROXY)", "let this network out to it, by a NAT gateway or a proxy (HTTPS_PROXY); inside Alibaba's network set TAIRSSL_ENDPOINT=vpc"},
	byAuthority:  {"let this machine trust it, if it is yours: a proxy that opens TLS has one", "set TAIRSSL_CA_FILE to its PEM, if it is yours: a proxy that opens TLS has one"},
	byHost:       {"look what stands between, a proxy for one", "check TAIRSSL_ENDPOINT: the name has to be one of the certificate's"},
	byValidity:   {"check this machine's clock, then the certificate", ""},
	byTLS:        {"check the port, and what stands between", ""},
	byTime:       {"let this network out to it; try again", ""},
	byAnything:   {"look what stands between; try again", ""},
}

// stage tells at which step it failed.
func stage(err error) (at step, found string) {
	var name *net.DNSError
	var authority x509.UnknownAuthorityError
	var other x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var dial *net.OpError
	var wrapped *url.Error
	for errors.As(err, &wrapped) { // its text holds the whole URL
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, errProxy):
		return byProxy, err.Error()
	case errors.As(err, &name):
		return byName, "the name cannot be resolved (DNS)"
	case errors.As(err, &authority):
		return byAuthority, "its certificate is of an authority that is not trusted here (TLS)"
	case errors.As(err, &other):
		return byHost, "its certificate is for another name (TLS)"
	case errors.As(err, &invalid):
		return byValidity, "its certificate is not valid now (TLS)"
	case errors.As(err, &record):
		return byTLS, "it does not speak TLS"
	case errors.As(err, &dial) && dial.Op == "dial":
		return byConnecting, "no connection: " + handler.ClipTo(dial.Err.Error(), longest)
	case errors.Is(err, context.DeadlineExceeded):
		return byTime, fmt.Sprintf("no answer within %s", askTimeout)
	}
	return byAnything, "no answer: " + handler.ClipTo(err.Error(), longest)
}

// longest is how much of somebody else's words a finding shows, in bytes.
const longest = 200
