package tair

import (
	"cmp"
	"context"
	"crypto/x509"
	"net/http"
	"sync"
	"time"

	"tairssl/handler"
)

// TokenSource returns an identity token, a JWT of an issuer that Alibaba trusts. It is
// called for each exchange. It should return a *handler.Error that says that the token,
// and not the exchange, has failed.
type TokenSource func(ctx context.Context) (string, error)

// OIDCOptions configure [OIDC]. The two ARNs are required.
type OIDCOptions struct {
	RoleARN     string // acs:ram::ACCOUNT:role/NAME
	ProviderARN string // acs:ram::ACCOUNT:oidc-provider/NAME
	SessionName string // shown in Alibaba's audit log; default tairssl
	Region      string // the region of the STS; default cn-hangzhou
	Endpoint    Endpoint
	RootCAs     *x509.CertPool   // nil for the roots of the system
	Now         func() time.Time // default time.Now
}

const (
	// sessionTime is the requested life of a credential. Every role allows one hour.
	sessionTime = time.Hour
	// renewTime is how long before its end a credential is replaced. lastTime is how long
	// before its end a credential is no longer used.
	renewTime, lastTime = 5 * time.Minute, time.Minute
	// After a failure the next exchange waits for firstPause. The pause doubles with
	// every further failure, up to longestPause. After a refusal that only people can
	// cure, the pause is longestPause at once. firstPause is so short that the second try
	// of a read already makes a second exchange.
	firstPause, longestPause = 200 * time.Millisecond, 30 * time.Second
	// maxToken is the longest token in bytes that Alibaba accepts.
	maxToken = 20000
)

// OIDC returns the credentials of a RAM role. Alibaba's STS exchanges an identity token
// for them: AssumeRoleWithOIDC, version 2015-04-01. So no long-lived key is needed. A
// credential is kept, and replaced before it ends. Only one exchange runs at a time.
// During an exchange, and after a failed one, the old credential is used until it ends.
//
// Errors: Forbidden if the trust is not set up; Unavailable and Throttled if a later
// exchange may succeed; and the errors of token.
func OIDC(token TokenSource, o OIDCOptions) Credentials {
	o.SessionName = cmp.Or(o.SessionName, "tairssl")
	o.Region = cmp.Or(o.Region, handler.DefaultRegion)
	if o.Now == nil {
		o.Now = time.Now
	}
	clock := o.Now
	// Only the wall clock counts. The monotonic clock may stop while a function is frozen,
	// and a failure would then block exchanges for hours.
	o.Now = func() time.Time { return clock().Round(0) }
	transport := NewTransport(o.RootCAs)
	transport.DisableKeepAlives = true // there is one exchange an hour
	return (&session{token: token, options: o, transport: transport}).credential
}

// session holds the credential of a role and renews it.
type session struct {
	token     TokenSource
	options   OIDCOptions
	transport *http.Transport

	mu         sync.Mutex
	held       Credential
	renew, end time.Time     // when the credential is replaced, and when it is no longer used
	exchanging chan struct{} // closed when the running exchange ends; nil if no exchange runs
	failure    error         // the error of the last exchange; callers get it until retry
	retry      time.Time     // when the next exchange may start after a failure
	pause      time.Duration
}

func (s *session) credential(ctx context.Context) (Credential, error) {
	for {
		s.mu.Lock()
		now, underway := s.options.Now(), s.exchanging
		held, failure := s.held, s.failure
		usable, failed := now.Before(s.end), now.Before(s.retry)
		fresh := now.Before(s.renew)
		mine := !fresh && underway == nil && !failed
		if mine {
			s.exchanging = make(chan struct{})
		}
		s.mu.Unlock()
		switch {
		case mine:
			return s.exchange(ctx)
		case fresh, usable:
			return held, nil
		case underway == nil:
			return Credential{}, failure
		}
		select {
		case <-underway:
		case <-ctx.Done():
			return Credential{}, handler.AsError(ctx.Err())
		}
	}
}

// exchange gets the next credential. All callers of credential share it.
func (s *session) exchange(ctx context.Context) (Credential, error) {
	defer func() { // also after a panic of the token source
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.exchanging)
		s.exchanging = nil
	}()
	next, end, err := s.assume(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	switch {
	case err == nil:
		life := end.Sub(now)
		s.held, s.renew, s.end = next, end.Add(-min(renewTime, life/3)), end.Add(-min(lastTime, life/6))
		s.failure, s.retry, s.pause = nil, time.Time{}, 0
		return next, nil
	case ctx.Err() != nil:
		// Only this caller's time ran out. The next exchange may succeed.
	case handler.AsError(err).Retryable:
		s.pause = min(max(firstPause, 2*s.pause), longestPause)
		s.failure, s.retry = err, now.Add(s.pause)
	default:
		s.failure, s.retry = err, now.Add(longestPause)
	}
	if now.Before(s.end) {
		return s.held, nil
	}
	return Credential{}, err
}
