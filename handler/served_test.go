package handler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

const (
	endpoint = id + ".redis.rds.aliyuncs.com"
	port     = 6379
)

// encrypted is a due instance with an endpoint.
func encrypted() handler.Observation {
	o := expiring(5 * day)
	o.ConnectionDomain, o.Port, o.CommonName = endpoint, port, endpoint
	return o
}

// server serves certificates to TLS clients.
type server struct {
	certificate func(host string, port int) (handler.Certificate, error)
	looks       int
}

func (s *server) served(_ context.Context, host string, port int) (handler.Certificate, error) {
	s.looks++
	return s.certificate(host, port)
}

// A change is verified only if a handshake shows the certificate that the API reports.
func TestAChangeIsVerifiedByWhatIsServed(t *testing.T) {
	renewed := start.Add(time.Minute+2*time.Second).AddDate(3, 0, 0) // the same expiry as in the cloud
	is := func(expires time.Time, names ...string) func(string, int) (handler.Certificate, error) {
		return func(string, int) (handler.Certificate, error) {
			return handler.Certificate{Expires: expires, Names: names}, nil
		}
	}
	fails := func(err error) func(string, int) (handler.Certificate, error) {
		return func(string, int) (handler.Certificate, error) { return handler.Certificate{}, err }
	}
	for name, test := range map[string]struct {
		certificate func(string, int) (handler.Certificate, error)
		outcome     handler.Outcome
		alert       bool
		says        []string
	}{
		"the new one":                    {is(renewed, endpoint), handler.Verified, false, []string{"done: certificate expires 2029-11-24T12:01:02Z, and a TLS client is served it"}},
		"the new one, in capitals":       {is(renewed, strings.ToUpper(endpoint)), handler.Verified, false, nil},
		"the new one, by a star":         {is(renewed, "other.example.com", "*.redis.rds.aliyuncs.com"), handler.Verified, false, nil},
		"the new one, in fractions":      {is(renewed.Add(999*time.Millisecond), endpoint), handler.Verified, false, nil},
		"the new one, rounded up":        {is(renewed.Add(time.Second), endpoint), handler.Verified, false, nil},
		"the new one, cut off":           {is(renewed.Add(-time.Second), endpoint), handler.Verified, false, nil},
		"the new one, in another zone":   {is(renewed.In(time.FixedZone("CST", 8*3600)), endpoint), handler.Verified, false, nil},
		"the old one":                    {is(start.Add(5*day), endpoint), handler.Accepted, true, []string{"the API says that it is done, but it is not verified", "served the certificate that expires 2026-11-29T12:00:00Z, and not the one that expires 2029-11-24T12:01:02Z", "status --tls"}},
		"one that ends two seconds late": {is(renewed.Add(2*time.Second), endpoint), handler.Accepted, true, []string{"and not the one that expires"}},
		"one for another name":           {is(renewed, "old."+endpoint), handler.Accepted, true, []string{"is for old." + endpoint[:20], "and not for " + endpoint}},
		"one for a deeper star":          {is(renewed, "*.rds.aliyuncs.com"), handler.Accepted, true, []string{"and not for " + endpoint}},
		"one without a name":             {is(renewed), handler.Accepted, true, []string{"and not for " + endpoint}},
		"no handshake": {fails(handler.Errorf(handler.Unavailable, "no TLS handshake with it: the connection was refused")), handler.Accepted, false,
			[]string{"not verified: no TLS handshake with it: the connection was refused; or set TAIRSSL_VERIFY=api"}},
		"a fault":  {fails(errors.New("secret")), handler.Accepted, false, []string{"not verified: an unexpected fault"}},
		"a panic":  {func(string, int) (handler.Certificate, error) { panic("secret") }, handler.Accepted, false, []string{"not verified: an unexpected fault"}},
		"too late": {fails(context.DeadlineExceeded), handler.Accepted, false, []string{"not verified: the time for this invocation ran out"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{certificate: func(host string, at int) (handler.Certificate, error) {
				if host != endpoint || at != port {
					t.Errorf("the handshake is with %s:%d", host, at)
				}
				return test.certificate(host, at)
			}}
			c, h := on(encrypted(), handler.Options{Wait: 2 * time.Minute, Served: s.served})
			result := ask(t, h, update())
			if result.Outcome != test.outcome || result.Alert != test.alert || (result.After != nil) != (test.outcome == handler.Verified) {
				t.Errorf("it ended %s (alert %t) with %+v after it: %s", result.Outcome, result.Alert, result.After, result.Reason)
			}
			for _, says := range test.says {
				if !strings.Contains(result.Reason, says) {
					t.Errorf("the reason is %q, want %q in it", result.Reason, says)
				}
			}
			if strings.Contains(result.Reason, "secret") {
				t.Errorf("the reason tells %q", result.Reason)
			}
			if c.Restarts(id) != 1 || s.looks == 0 {
				t.Errorf("it restarted %d times and was looked at %d times", c.Restarts(id), s.looks)
			}
			if test.outcome == handler.Verified && s.looks != 1 {
				t.Errorf("%d handshakes were made, want one", s.looks)
			}
		})
	}
}

// The served certificate may appear later than the API's report. The handler looks until
// the new certificate is served.
func TestAChangeIsWatchedUntilTheCertificateIsServed(t *testing.T) {
	s := &server{}
	c, h := on(encrypted(), handler.Options{Wait: 5 * time.Minute, Served: s.served})
	s.certificate = func(string, int) (handler.Certificate, error) {
		switch since := c.Now().Sub(start); {
		case since < 2*time.Minute:
			return handler.Certificate{}, handler.Errorf(handler.Unavailable, "it is restarting")
		case since < 3*time.Minute:
			return handler.Certificate{Expires: start.Add(5 * day), Names: []string{endpoint}}, nil
		}
		return handler.Certificate{Expires: start.Add(time.Minute+2*time.Second).AddDate(3, 0, 0), Names: []string{endpoint}}, nil
	}
	if result := ask(t, h, update()); result.Outcome != handler.Verified || result.Alert || c.Now().Sub(start) < 3*time.Minute {
		t.Errorf("after %s it ended %s (alert %t): %s", c.Now().Sub(start), result.Outcome, result.Alert, result.Reason)
	}
}

// A handshake is made only if it can prove a change that is done.
func TestHandshakesAreMadeOnlyToProveAChange(t *testing.T) {
	all := handler.Policy{Actions: []handler.Action{handler.Update, handler.Enable, handler.Disable}}
	off := handler.Observation{}
	off.ConnectionDomain, off.Port = endpoint, port
	for name, test := range map[string]struct {
		o       handler.Observation
		action  handler.Action
		wait    time.Duration
		lag     time.Duration
		dryRun  bool
		outcome handler.Outcome
		looks   bool
	}{
		"Enable":          {off, handler.Enable, 2 * time.Minute, time.Minute, false, handler.Verified, true},
		"Disable":         {encrypted(), handler.Disable, 2 * time.Minute, time.Minute, false, handler.Verified, false},
		"not watched":     {encrypted(), handler.Update, 0, time.Minute, false, handler.Accepted, false},
		"not done yet":    {encrypted(), handler.Update, time.Minute, time.Hour, false, handler.Accepted, false},
		"only looked at":  {encrypted(), handler.Update, time.Minute, time.Minute, true, handler.Planned, false},
		"already so":      {encrypted(), handler.Enable, time.Minute, time.Minute, false, handler.Unchanged, false},
		"off, not to end": {off, handler.Update, time.Minute, time.Minute, false, handler.Unchanged, false},
	} {
		s := &server{}
		c, h := on(test.o, handler.Options{Policy: all, Wait: test.wait, Served: s.served})
		c.Lag = test.lag
		s.certificate = func(string, int) (handler.Certificate, error) {
			return handler.Certificate{Expires: c.Instances[id].Expires, Names: []string{endpoint}}, nil
		}
		d := update()
		d.SSLEnabled, d.DryRun = test.action, test.dryRun
		if result := ask(t, h, d); result.Outcome != test.outcome || (s.looks > 0) != test.looks || result.Alert {
			t.Errorf("%s: it ended %s after %d handshakes (alert %t): %s", name, result.Outcome, s.looks, result.Alert, result.Reason)
		}
	}
}

// A handshake can also prove a change whose answer was lost.
func TestALostAnswerIsAcceptedUntilTheCertificateIsServed(t *testing.T) {
	lost := handler.Errorf(handler.Unavailable, "connection cut")
	lost.Uncertain = true
	for name, test := range map[string]struct {
		expires time.Time
		outcome handler.Outcome
		alert   bool
	}{
		"served":     {start.AddDate(1, 0, 0), handler.Verified, false},
		"not served": {start.Add(5 * day), handler.Accepted, true},
	} {
		s := &server{certificate: func(string, int) (handler.Certificate, error) {
			return handler.Certificate{Expires: test.expires, Names: []string{endpoint}}, nil
		}}
		c, h := on(encrypted(), handler.Options{Served: s.served})
		c.OnModify = func(context.Context, func()) error {
			c.Instances[id].Expires = start.AddDate(1, 0, 0)
			return lost
		}
		if result := ask(t, h, update()); result.Outcome != test.outcome || result.Alert != test.alert {
			t.Errorf("%s: it ended %s (alert %t): %s", name, result.Outcome, result.Alert, result.Reason)
		}
	}
}

func TestOnlyAlibabasHostsAreItsHosts(t *testing.T) {
	for host, want := range map[string]bool{
		endpoint: true, strings.ToUpper(endpoint): true, "apsaradb-public.oss-ap-southeast-1.aliyuncs.com": true,
		"": false, "aliyuncs.com": false, ".aliyuncs.com": false, "a..aliyuncs.com": false, "evilaliyuncs.com": false, "aliyuncs.com.example.com": false,
		"a.aliyuncs.com.": false, "a/b.aliyuncs.com": false, "a@b.aliyuncs.com": false, "a:80.aliyuncs.com": false, "ä.aliyuncs.com": false, "a .aliyuncs.com": false,
		"127.0.0.1": false, "[::1]": false, strings.Repeat("a", 64) + ".aliyuncs.com": false, strings.Repeat("a.", 125) + "aliyuncs.com": false,
	} {
		if got := handler.IsAlibaba(host); got != want {
			t.Errorf("%s is one of Alibaba's hosts: %t, want %t", fmt.Sprintf("%.40q", host), got, want)
		}
	}
}
