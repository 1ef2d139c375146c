package tair_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tairssl/handler"
)

func TestOIDCRefusalsSayWhatToDo(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		kind   handler.Kind
		says   string
	}{
		{401, "AuthenticationFail.NoPermission", handler.Forbidden, "oidc:sub"},
		{401, "AuthenticationFail.OIDCToken.AudienceNotMatch", handler.Forbidden, "TAIRSSL_OIDC_AUDIENCE"},
		{401, "AuthenticationFail.OIDCToken.Expired", handler.Unavailable, "clock"},
		{401, "AuthenticationFail.OIDCToken.HttpsUrlInvalid", handler.Forbidden, "fingerprint"},
		{401, "AuthenticationFail.OIDCToken.PublicKeyFingerprintMismatch", handler.Forbidden, "fingerprint"},
		{401, "AuthenticationFail.OIDCToken.Invalid", handler.Forbidden, "issuer"},
		{401, "AuthenticationFail.OIDCToken.InvalidSignature", handler.Forbidden, "issuer"},
		{404, "EntityNotExist.Role", handler.Forbidden, "ALIBABA_CLOUD_ROLE_ARN"},
		{404, "EntityNotExist.OIDCProvider", handler.Forbidden, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
		{403, "NoPermission", handler.Forbidden, "trust policy"},
		{400, "InvalidParameter.RoleSessionName", handler.Forbidden, "ALIBABA_CLOUD_ROLE_SESSION_NAME"},
		{400, "InvalidParameter.RoleArn", handler.Forbidden, "ALIBABA_CLOUD_ROLE_ARN"},
		{400, "Throttling.User", handler.Throttled, "identity token"},
		{503, "ServiceUnavailable", handler.Unavailable, "identity token"},
		{500, "InternalError", handler.Unavailable, "identity token"},
		{404, "SomethingNew", handler.Forbidden, "trust policy"},
		{429, "SomethingNew", handler.Throttled, "identity token"},
		{502, "SomethingNew", handler.Unavailable, "identity token"},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.code), func(t *testing.T) {
			s, c := newSTS(t, constant)
			s.answer(answer(test.status, refusal(test.code)))
			e := mustFail(t, c, test.kind)
			if e.Code != test.code || e.RequestID != "AD7E16AA" || !strings.Contains(e.Message, test.says) || !strings.Contains(e.Message, "The API's own words") {
				t.Errorf("says %q, request %s; want %q in it", e, e.RequestID, test.says)
			}
			if test.kind == handler.Forbidden && !strings.HasPrefix(e.Message, "Alibaba did not accept the identity token: ") {
				t.Errorf("%q does not name the cloud that failed", e.Message)
			}
		})
	}
}

func TestOIDCUnusableAnswersFail(t *testing.T) {
	credentials := func(end string) string {
		return `{"Credentials":{"AccessKeyId":"a","AccessKeySecret":"b","SecurityToken":"c","Expiration":"` + end + `"}}`
	}
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		says  string
	}{
		"cut":             {cut, "AssumeRoleWithOIDC: "},
		"proxy's page":    {answer(502, "<html>"), "status 502"},
		"proxy's refusal": {answer(403, "<html>"), "status 403"},
		"no JSON":         {answer(200, "<html>"), "an unexpected form"},
		"empty":           {answer(200, `{}`), "an unexpected form"},
		"no end":          {answer(200, credentials("")), "an unexpected form"},
		"ended":           {answer(200, credentials("2026-11-24T11:59:59Z")), "clock"},
		"repeats the JWT": {answer(500, `{"Code":"InternalError","Message":"bad `+identityToken+` bad `+url.QueryEscape(identityToken)+`"}`), "bad *** bad ***"},
		"endless":         {func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 5<<20)) }, "longer than"},
		"sends it further": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example.com/", http.StatusTemporaryRedirect)
		}, "redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newSTS(t, constant)
			s.answer(test.serve)
			if e := mustFail(t, c, handler.Unavailable); !strings.Contains(e.Message, test.says) {
				t.Errorf("says %q, want %q in it", e.Message, test.says)
			}
		})
	}
}
