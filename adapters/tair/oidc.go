package tair

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"tairssl/handler"
)

// TokenSource gives an identity token, the JWT of an issuer that Alibaba was
// told to trust. It is asked for each exchange. Its error, best a
// *handler.Error, says that it is this half which failed.
type TokenSource func(ctx context.Context) (string, error)

// OIDCOptions of [OIDC]; the ARNs are needed, the rest works as it is.
type OIDCOptions struct {
	RoleARN     string // acs:ram::ACCOUNT:role/NAME
	ProviderARN string // acs:ram::ACCOUNT:oidc-provider/NAME
	SessionName string // shown in Alibaba's audit log; default tairssl
	Region      string // whose STS is asked; default cn-hangzhou
	Endpoint    Endpoint
	RootCAs     *x509.CertPool   // nil: the system's
	Now         func() time.Time // default time.Now
}

const (
	// sessionTime is how long a credential is asked for: what every role allows.
	sessionTime = time.Hour
	// renewTime and lastTime are how long before its end a credential is
	// replaced, and how long before it is given out no more.
	renewTime, lastTime = 5 * time.Minute, time.Minute
	// After a failure the next exchange waits, twice as long after each; a
	// refusal that only people can cure waits longestPause at once. The first is
	// short enough for a read that is tried again to meet a second exchange.
	firstPause, longestPause = 200 * time.Millisecond, 30 * time.Second
	// maxToken is the longest token that Alibaba takes.
	maxToken = 20000
)

// OIDC gives the credentials of a RAM role, which Alibaba's STS exchanges for
// an identity token by AssumeRoleWithOIDC (version 2015-04-01): no long-lived
// key is anywhere. A credential is kept and replaced before it ends, by one
// exchange at a time; meanwhile, and while an exchange fails, the old one
// serves as long as it lasts.
//
// Errors: Forbidden if the trust is not set up, Unavailable and Throttled if a
// later exchange may do, and those of token.
func OIDC(token TokenSource, o OIDCOptions) Credentials {
	o.SessionName = cmp.Or(o.SessionName, "tairssl")
	o.Region = cmp.Or(o.Region, handler.DefaultRegion)
	if o.Now == nil {
		o.Now = time.Now
	}
	clock := o.Now
	// By the wall clock alone: the other may stand still while a function is
	// frozen, and a failure would outlast its pause by hours.
	o.Now = func() time.Time { return clock().Round(0) }
	transport := NewTransport(o.RootCAs)
	transport.DisableKeepAlives = true // it is used once an hour
	return (&session{token: token, options: o, transport: transport}).credential
}

// session is a role's credential over time.
type session struct {
	token     TokenSource
	options   OIDCOptions
	transport *http.Transport

	mu         sync.Mutex
	held       Credential
	renew, end time.Time     // when to replace it, and when to give it out no more
	exchanging chan struct{} // closed when the exchange under way ends; nil: there is none
	failure    error         // of the last exchange,
	retry      time.Time     // which stands until then
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

// exchange gets the next credential for everybody.
func (s *session) exchange(ctx context.Context) (Credential, error) {
	defer func() { // also after a panic of the token's source
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
		// That this caller's time ran out says nothing of the next exchange.
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

// assume calls AssumeRoleWithOIDC, which takes no signature: the token is the
// proof. It gives the credential and when that ends.
func (s *session) assume(ctx context.Context) (Credential, time.Time, error) {
	token, err := s.token(ctx)
	if err != nil {
		return Credential{}, time.Time{}, handler.AsError(err)
	}
	o := s.options
	scheme, host := o.Endpoint.of("sts", o.Region)
	to := url.URL{Scheme: strings.ToLower(scheme), Host: host, Path: "/", RawQuery: url.Values{
		"Action": {"AssumeRoleWithOIDC"}, "Version": {"2015-04-01"}, "Format": {"JSON"},
		"Timestamp": {o.Now().UTC().Format(time.RFC3339)},
	}.Encode()}
	form := url.Values{
		"RoleArn": {o.RoleARN}, "OIDCProviderArn": {o.ProviderARN}, "OIDCToken": {token},
		"RoleSessionName": {o.SessionName}, "DurationSeconds": {strconv.Itoa(int(sessionTime / time.Second))},
	}
	attempt, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(attempt, http.MethodPost, to.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return Credential{}, time.Time{}, handler.AsError(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", handler.UserAgent())
	secret := Credential{SecurityToken: token} // what must not show
	resp, err := (&bound{ctx: attempt, base: s.transport}).RoundTrip(req)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err != nil {
		return Credential{}, time.Time{}, failure(ctx, "Alibaba's STS, AssumeRoleWithOIDC", secret, &bound{}, err)
	}
	if resp.StatusCode != http.StatusOK {
		return Credential{}, time.Time{}, notAccepted(resp.StatusCode, body, secret)
	}
	var answer struct {
		Credentials struct{ AccessKeyId, AccessKeySecret, SecurityToken, Expiration string }
	}
	err = json.Unmarshal(body, &answer)
	c := answer.Credentials
	end, wrong := time.Parse(time.RFC3339, c.Expiration)
	if err != nil || wrong != nil || c.AccessKeyId == "" || c.AccessKeySecret == "" || c.SecurityToken == "" {
		return Credential{}, time.Time{}, malformed("Alibaba's STS, AssumeRoleWithOIDC")
	}
	if !end.After(o.Now()) {
		return Credential{}, time.Time{}, handler.Errorf(handler.Unavailable, "Alibaba's STS gave credentials that have ended: check this machine's clock")
	}
	return Credential{c.AccessKeyId, c.AccessKeySecret, c.SecurityToken}, end, nil
}

const trustFix = "compare the trust policy of ALIBABA_CLOUD_ROLE_ARN with the token: the provider, oidc:iss, oidc:aud and oidc:sub"

// stsCodes are those of STS. Sources: the error codes of STS 2015-04-01, of
// AssumeRole and of the RPC gateway; PublicKeyFingerprintMismatch as Alibaba's
// own clients meet it; EntityNotExist in the form that RAM gives it.
var stsCodes = []meaning{
	{code: "AuthenticationFail.NoPermission", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_OIDC_PROVIDER_ARN, then " + trustFix},
	{code: "AuthenticationFail.OIDCToken.AudienceNotMatch", kind: handler.Forbidden, fix: "add the value of TAIRSSL_OIDC_AUDIENCE to the client IDs of the identity provider in RAM"},
	{code: "AuthenticationFail.OIDCToken.Expired", kind: handler.Unavailable, fix: "a token is good for minutes: check the clock where it is made, and that ALIBABA_CLOUD_OIDC_TOKEN_FILE, if set, is written anew"},
	{code: "AuthenticationFail.OIDCToken.HttpsUrlInvalid", kind: handler.Forbidden, fix: "add the fingerprint of the issuer's CA certificate to the identity provider in RAM"},
	{code: "AuthenticationFail.OIDCToken.PublicKeyFingerprintMismatch", kind: handler.Forbidden, fix: "add the fingerprint of the issuer's CA certificate to the identity provider in RAM"},
	{code: "AuthenticationFail*", kind: handler.Forbidden, fix: "check that the identity provider in RAM has the issuer URL of the token, and " + trustFix},
	{code: "EntityNotExist.Role", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_ROLE_ARN"},
	{code: "EntityNotExist.OIDCProvider", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
	{code: "NoPermission*", kind: handler.Forbidden, fix: trustFix},
	{code: "InvalidParameter.RoleSessionName", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_ROLE_SESSION_NAME"},
	{code: "InvalidParameter*", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
	{code: "Throttling*", kind: handler.Throttled},
	{code: "ServiceUnavailable*", kind: handler.Unavailable},
	{code: "InternalError*", kind: handler.Unavailable},
}

// notAccepted reads a refusal of STS. A code that is not known counts by its
// status: the caller's fault is one of the set-up here, never of a request.
func notAccepted(status int, body []byte, secret Credential) *handler.Error {
	var said struct{ Code, Message, RequestId string }
	_ = json.Unmarshal(body, &said) // a proxy's page has no code, and is told by that
	row, known := meaningOf(said.Code, stsCodes)
	switch {
	case known:
	case status == http.StatusTooManyRequests:
		row.kind = handler.Throttled
	case said.Code != "" && status < http.StatusInternalServerError:
		row.kind, row.fix = handler.Forbidden, trustFix
	default:
		row.kind = handler.Unavailable
	}
	message := secret.Redact(strings.TrimRight(said.Message, ". "))
	if said.Code == "" {
		message = fmt.Sprintf("status %d", status)
	}
	if row.fix != "" {
		message += ": " + row.fix
	}
	half := "Alibaba did not accept the identity token: "
	if row.kind != handler.Forbidden {
		half = "Alibaba's STS gave no credential for the identity token: "
	}
	e := handler.Errorf(row.kind, "%s%s", half, message)
	e.Code, e.RequestID = secret.Redact(said.Code), secret.Redact(said.RequestId)
	return e
}
