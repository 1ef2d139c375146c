package tair

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// assume calls AssumeRoleWithOIDC and returns the credential and its end. The call has no
// signature. The token is the proof.
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
	secret := Credential{SecurityToken: token} // errors must not show it
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
		return Credential{}, time.Time{}, handler.Errorf(handler.Unavailable, "Alibaba's STS gave credentials that have already ended: check this machine's clock")
	}
	return Credential{c.AccessKeyId, c.AccessKeySecret, c.SecurityToken}, end, nil
}

const trustFix = "compare the trust policy of ALIBABA_CLOUD_ROLE_ARN with the token: the provider, oidc:iss, oidc:aud and oidc:sub"

// stsCodes are the error codes of STS. Sources: the error codes of STS 2015-04-01, of
// AssumeRole and of the RPC gateway. PublicKeyFingerprintMismatch comes from Alibaba's own
// clients. EntityNotExist has the form that RAM uses.
var stsCodes = []meaning{
	{code: "AuthenticationFail.NoPermission", kind: handler.Forbidden, fix: "check ALIBABA_CLOUD_OIDC_PROVIDER_ARN, then " + trustFix},
	{code: "AuthenticationFail.OIDCToken.AudienceNotMatch", kind: handler.Forbidden, fix: "add the value of TAIRSSL_OIDC_AUDIENCE to the client IDs of the identity provider in RAM"},
	{code: "AuthenticationFail.OIDCToken.Expired", kind: handler.Unavailable, fix: "a token is valid for some minutes: check the clock of its issuer, and that the file of ALIBABA_CLOUD_OIDC_TOKEN_FILE, if set, is renewed"},
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

// notAccepted reads a refusal of STS. For an unknown code the status decides. A status
// below 500 means that the trust is not set up well, because the call does not depend on
// any caller's request.
func notAccepted(status int, body []byte, secret Credential) *handler.Error {
	var said struct{ Code, Message, RequestId string }
	_ = json.Unmarshal(body, &said) // a page of a proxy has no code, so Code stays empty
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
