package lambda

import (
	"context"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

const (
	tokenTimeout = 5 * time.Second
	tokenSeconds = "300" // the token is exchanged at once; AWS accepts 60 to 3600
	maxAnswer    = 64 << 10
)

// federation returns identity tokens for the function's role, by AWS outbound identity
// federation: sts:GetWebIdentityToken. Only a regional STS has this action, not the global
// one. The access key, the region and AWS_ENDPOINT_URL_STS, the variable of AWS's own
// clients, come from environ.
//
// Errors: Forbidden if the account or the role is not set up for federation; Unavailable
// and Throttled if a later call may succeed. Source: AWS STS API Reference,
// GetWebIdentityToken, version 2011-06-15.
func federation(environ []string, now func() time.Time) function.Federation {
	return func(audience string, roots *x509.CertPool) tair.TokenSource {
		role := roleOf(environ, now)
		key, transport := role.key, newTransport(roots)
		return func(ctx context.Context) (string, error) {
			endpoint, err := role.endpoint("sts", nil)
			if err != nil {
				return "", noToken(handler.Forbidden, "%v", err)
			}
			attempt, cancel := context.WithTimeout(ctx, tokenTimeout)
			defer cancel()
			req, err := tokenRequest(attempt, role, endpoint, audience)
			if err != nil {
				return "", noToken(handler.Internal, "%s", key.Redact(err.Error()))
			}
			resp, err := transport.RoundTrip(req) // RoundTrip follows no redirect
			if err != nil {
				return "", unanswered(ctx, key, err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxAnswer))
			if err != nil {
				return "", unanswered(ctx, key, err)
			}
			if resp.StatusCode != http.StatusOK {
				return "", refused(resp.StatusCode, body, key)
			}
			var answer struct {
				Token string `xml:"GetWebIdentityTokenResult>WebIdentityToken"`
			}
			if xml.Unmarshal(body, &answer) != nil || answer.Token == "" {
				return "", noToken(handler.Unavailable, "its answer has an unexpected form")
			}
			return answer.Token, nil
		}
	}
}

// tokenRequest returns the signed request.
func tokenRequest(ctx context.Context, role role, endpoint *url.URL, audience string) (*http.Request, error) {
	form := url.Values{
		"Action": {"GetWebIdentityToken"}, "Version": {"2011-06-15"},
		"Audience.member.1": {audience}, "DurationSeconds": {tokenSeconds}, "SigningAlgorithm": {"RS256"},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.Scheme+"://"+endpoint.Host+"/", strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, role.sign(req, []byte(form), "sts")
}

func noToken(kind handler.Kind, format string, args ...any) *handler.Error {
	return handler.Errorf(kind, "AWS gave no identity token: "+format, args...)
}

func unanswered(outer context.Context, key tair.Credential, err error) *handler.Error {
	var large *http.MaxBytesError
	var e *handler.Error
	switch {
	case outer.Err() != nil:
		e = noToken(handler.Unavailable, "the time for this invocation ran out, or it was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		e = noToken(handler.Unavailable, "no answer in time: a function in a VPC needs a NAT gateway, or an endpoint of STS")
	case errors.As(err, &large):
		e = noToken(handler.Unavailable, "its answer is longer than %d bytes", large.Limit)
	default:
		e = noToken(handler.Unavailable, "%s", key.Redact(err.Error()))
	}
	return e
}

// stsCodes gives the meaning of the error codes of STS. Sources: the errors of
// GetWebIdentityToken, and the errors that all actions of STS share.
var stsCodes = []awsCode{
	{[]string{"OutboundWebIdentityFederationDisabled"}, handler.Forbidden, "enable outbound identity federation for the AWS account: aws iam enable-outbound-web-identity-federation"},
	{[]string{"AccessDenied"}, handler.Forbidden, "allow the function's role sts:GetWebIdentityToken, with the audience of TAIRSSL_OIDC_AUDIENCE and RS256 for " + tokenSeconds + " s"},
	{[]string{"JWTPayloadSizeExceeded"}, handler.Forbidden, "the role has too many tags, or tags that are too long: remove some"},
	{[]string{"RegionDisabled"}, handler.Forbidden, "activate STS in this region in the account settings of IAM"},
	{[]string{"ValidationError", "InvalidParameterValue"}, handler.Forbidden, "check TAIRSSL_OIDC_AUDIENCE"},
	{[]string{"InvalidAction"}, handler.Forbidden, "this endpoint does not know GetWebIdentityToken: AWS_ENDPOINT_URL_STS has to be a regional one"},
	{[]string{"InvalidClientTokenId", "SignatureDoesNotMatch", "IncompleteSignature"}, handler.Forbidden, "leave AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN as Lambda sets them, and check the clock"},
	{[]string{"ExpiredToken", "RequestExpired", "SessionDurationEscalation"}, handler.Unavailable, "the session of the role has ended: Lambda will restart the function"},
	{[]string{"Throttling", "RequestLimitExceeded"}, handler.Throttled, ""},
}

// refused reads an error of AWS.
func refused(status int, body []byte, key tair.Credential) *handler.Error {
	var said struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
		ID      string `xml:"RequestId"`
	}
	_ = xml.Unmarshal(body, &said) // a page of a proxy has no code
	kind, message := handler.Unavailable, fmt.Sprintf("status %d", status)
	switch {
	case status == http.StatusTooManyRequests:
		kind = handler.Throttled
	case said.Code != "" && status < http.StatusInternalServerError:
		kind = handler.Forbidden
	}
	if said.Message != "" {
		message = strings.TrimRight(said.Message, ". ")
	}
	if said.Code == "SignatureDoesNotMatch" {
		message = "the signature is wrong" // AWS's message repeats the signed text with the token
	}
	message = key.Redact(message)
	if row, known := meaningOf(said.Code, stsCodes); known {
		if kind = row.kind; row.fix != "" {
			message += ": " + row.fix
		}
	}
	e := noToken(kind, "%s", message)
	e.Code, e.RequestID = key.Redact(said.Code), key.Redact(said.ID)
	return e
}
