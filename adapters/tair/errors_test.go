package tair_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tairssl/handler"
)

// refusals are error codes from the API's documents and from real clients.
var refusals = []struct {
	status    int
	code      string
	kind      handler.Kind
	uncertain bool
	err       error
}{
	{400, "InvalidParameters.Format", handler.Invalid, false, nil},
	{403, "IncorrectCharacterType", handler.Unsupported, false, nil},
	{403, "IncorrectEngineVersion", handler.Unsupported, false, nil},
	{400, "InvalidRedisVersionPattern", handler.Unsupported, false, nil},
	{404, "EnabledSSLNotSupport", handler.Unsupported, false, nil},
	{403, "IncorrectDBInstanceLockMode", handler.Locked, false, nil},
	{403, "IncorrectDBInstanceState", handler.Unavailable, false, handler.ErrBusy},
	{403, "OperationDeniedDBStatus", handler.Unavailable, false, handler.ErrBusy},
	{409, "Task.Conflict", handler.Unavailable, false, handler.ErrBusy},
	{400, "Task.Conflict", handler.Unavailable, false, handler.ErrBusy},
	{400, "SSLEnabledStateExistsFault", handler.Unsupported, false, handler.ErrAlready},
	{400, "SSLDisableStateExistsFault", handler.Unsupported, false, handler.ErrAlready},

	{404, "InvalidInstanceId.NotFound", handler.NotFound, false, nil},
	{400, "InvalidInstanceId.NotFound", handler.NotFound, false, nil},
	{403, "InvalidInstanceId.NotFound", handler.NotFound, false, nil},
	{400, "InvalidDBInstance.NotFound", handler.NotFound, false, nil},
	{404, "InvalidDBInstance.NotFound", handler.NotFound, false, nil},
	{400, "InvalidDBInstanceId.NotFound", handler.NotFound, false, nil},
	{400, "InvalidDbInstanceId.NotFound", handler.NotFound, false, nil},
	{400, "InvalidResourceId.NotFound", handler.NotFound, false, nil},
	{404, "SomethingNew.NotFound", handler.NotFound, false, nil},
	{404, "SomethingNew", handler.Unsupported, false, nil},
	{404, "InvalidAction.NotFound", handler.Unsupported, false, nil},
	{404, "InvalidApi.NotFound", handler.Unsupported, false, nil},
	{404, "InvalidRegionId.NotFound", handler.Invalid, false, nil},

	{400, "Throttling", handler.Throttled, false, nil},
	{403, "Throttling.User", handler.Throttled, false, nil},
	{503, "Throttling.Api", handler.Throttled, false, nil},
	{503, "ThrottlingUser", handler.Throttled, false, nil},
	{503, "Rejected.Throttling", handler.Throttled, true, nil},
	{400, "Rejected.Throttling", handler.Throttled, true, nil},
	{503, "ServiceUnavailable", handler.Unavailable, true, nil},
	{500, "InternalError", handler.Unavailable, true, nil},
	{400, "InternalError", handler.Unavailable, true, nil},
	{400, "ProxyError", handler.Unavailable, true, nil},
	{400, "LockTimeout", handler.Unavailable, true, nil},
	{400, "InvalidTimeStamp.Expired", handler.Unavailable, false, nil},
	{400, "SignatureNonceUsed", handler.Unavailable, true, nil},

	{403, "Forbidden.RAM", handler.Forbidden, false, nil},
	{403, "Forbidden", handler.Forbidden, false, nil},
	{403, "NoPermission", handler.Forbidden, false, nil},
	{404, "InvalidAccessKeyId.NotFound", handler.Forbidden, false, nil},
	{400, "InvalidAccessKeyId.Inactive", handler.Forbidden, false, nil},
	{400, "SignatureDoesNotMatch", handler.Forbidden, false, nil},
	{403, "InvalidSecurityToken.Expired", handler.Forbidden, false, nil},
	{403, "InvalidStsToken.Malformed", handler.Forbidden, false, nil},

	{400, "SomethingNew", handler.Invalid, false, nil},
	{401, "SomethingNew", handler.Forbidden, false, nil},
	{403, "SomethingNew", handler.Unsupported, false, nil},
	{403, "InstanceIsNotInTheMood", handler.Unsupported, false, nil},
	{408, "SomethingNew", handler.Unavailable, true, nil},
	{409, "SomethingNew", handler.Unavailable, false, nil},
	{418, "SomethingNew", handler.Unavailable, false, nil},
	{429, "SomethingNew", handler.Throttled, false, nil},
	{502, "SomethingNew", handler.Unavailable, true, nil},
	{500, "IncorrectDBInstanceState", handler.Unavailable, true, handler.ErrBusy},
}

// Each code has its kind, and says whether a write may have taken effect.
func TestEveryCodeHasItsKind(t *testing.T) {
	for _, test := range refusals {
		t.Run(fmt.Sprint(test.status, " ", test.code), func(t *testing.T) {
			e := modify(against(t, answer(test.status, refusal(test.code))))
			if e == nil {
				t.Fatal("the refusal was read as success")
			}
			if e.Kind != test.kind || e.Uncertain != test.uncertain || !errors.Is(e, test.kind) {
				t.Errorf("is %s, uncertain %v; want %s, %v", e.Kind, e.Uncertain, test.kind, test.uncertain)
			}
			if e.Retryable != (test.kind == handler.Throttled || test.kind == handler.Unavailable) {
				t.Errorf("is retryable: %v", e.Retryable)
			}
			for _, cause := range []error{handler.ErrBusy, handler.ErrAlready, handler.ErrTagRefused, handler.ErrLate, handler.ErrNoTime} {
				if errors.Is(e, cause) != (cause == test.err) {
					t.Errorf("errors.Is(err, %q) is %v", cause, errors.Is(e, cause))
				}
			}
			if e.Code != test.code || e.RequestID != "AD7E16AA" {
				t.Errorf("keeps code %q and request id %q", e.Code, e.RequestID)
			}
		})
	}
}

// An answer without a code does not come from the API. It says nothing about the instance,
// and a write may have taken effect.
func TestPagesOfAProxy(t *testing.T) {
	for status, kind := range map[int]handler.Kind{
		400: handler.Unavailable, 401: handler.Unavailable, 403: handler.Unavailable, 404: handler.Unavailable, 407: handler.Unavailable,
		429: handler.Throttled, 500: handler.Unavailable, 502: handler.Unavailable, 504: handler.Unavailable,
	} {
		e := modify(against(t, answer(status, "<html>no</html>")))
		if e == nil || e.Kind != kind || !e.Uncertain || !strings.Contains(e.Message, fmt.Sprint(status)) || !strings.Contains(e.Message, "TAIRSSL_ENDPOINT") {
			t.Errorf("a page with status %d ends with %v (uncertain %v)", status, e, e != nil && e.Uncertain)
		}
	}
}

func TestRefusalsNameTheNextStep(t *testing.T) {
	for code, want := range map[string]string{
		"Forbidden.RAM":               "kvstore:ModifyInstanceSSL",
		"IncorrectEngineVersion":      "upgrade the minor version",
		"IncorrectDBInstanceLockMode": "unlock the instance",
		"InvalidDBInstance.NotFound":  "TAIRSSL_REGION",
		"InvalidAction.NotFound":      "TAIRSSL_ENDPOINT",
		"Throttling.User":             "TAIRSSL_RATE",
		"InvalidAccessKeyId.NotFound": "ALIBABA_CLOUD_ACCESS_KEY_ID",
		"SomethingNew":                "The API's own words.",
	} {
		if e := modify(against(t, answer(403, refusal(code)))); !strings.Contains(e.Message, want) {
			t.Errorf("the message for %s is %q, want %q in it", code, e.Message, want)
		}
	}
}

// A long message of the API is cut. The next step and the redaction remain.
func TestLongRefusals(t *testing.T) {
	body := fmt.Sprintf(`{"RequestId":"1","Code":"Forbidden.RAM","Message":"%s %s %s"}`, strings.Repeat("x", 380), secret.AccessKeyID, strings.Repeat("y", 5000))
	e := modify(against(t, answer(403, body)))
	if len(e.Message) > 600 || !strings.Contains(e.Message, "kvstore:ModifyInstanceSSL") || strings.Contains(e.Message, "LTAI5") {
		t.Errorf("the message is %q", e.Message)
	}
}

func TestRefusedTagsNameTheCause(t *testing.T) {
	const room, policy, right = "remove one", "tag policy", "kvstore:TagResources"
	for _, test := range []struct {
		status     int
		code       string
		want, lack string
		kind       handler.Kind
	}{
		{400, "QuotaExceed.TagsPerResource", room, policy, handler.Unsupported},
		{400, "NumberExceed.Tags", room, policy, handler.Unsupported},
		{403, "TagLimitExceeded", room, policy, handler.Unsupported},
		{403, "OperationDenied.QuotaExceed", room, policy, handler.Unsupported},
		{403, "TagPolicyViolation", policy, room, handler.Unsupported},
		{403, "Forbidden.TagPolicy", policy, right, handler.Unsupported},
		{400, "InvalidTagKey.Malformed", room, right, handler.Unsupported},
		{400, "InvalidTagKey.Malformed", policy, right, handler.Unsupported},
		{403, "OperationDenied.TAG", policy, right, handler.Unsupported},
		{403, "Forbidden.RAM", right, room, handler.Forbidden},
		{403, "NoPermission.TagResources", right, room, handler.Forbidden},
		{403, "SomethingNew", "own words", room, handler.Unsupported},
		{400, "SomethingNew", "own words", room, handler.Invalid},
		{404, "InvalidResourceId.NotFound", "check the id", room, handler.NotFound},
	} {
		err := against(t, answer(test.status, refusal(test.code))).Tag(context.Background(), ref, "tairssl-lease-a1b2c3d4", "x")
		e := handler.AsError(err)
		if err == nil || e.Kind != test.kind || e.Uncertain || e.Retryable || e.Code != test.code {
			t.Errorf("%d %s ends with %v (uncertain %v), want a certain %s", test.status, test.code, err, e.Uncertain, test.kind)
			continue
		}
		if !strings.Contains(e.Message, test.want) || strings.Contains(e.Message, test.lack) {
			t.Errorf("the message for %s is %q: want %q in it and not %q", test.code, e.Message, test.want, test.lack)
		}
		refused := test.want == room || test.want == policy
		if errors.Is(err, handler.ErrTagRefused) != refused {
			t.Errorf("whether %s wraps ErrTagRefused: %v is wrong", test.code, !refused)
		}
	}
	if e := modify(against(t, answer(403, refusal("TagPolicyViolation")))); errors.Is(e, handler.ErrTagRefused) {
		t.Errorf("a refused change is read as a refused tag: %v", e)
	}
}

// A tag is set again after a failure. So one try may have set the tag, even if the API
// surely refused the last try.
func TestTaggingIsUncertainIfAnyAttemptIs(t *testing.T) {
	sure, unsure := answer(403, refusal("Forbidden.RAM")), answer(503, refusal("ServiceUnavailable"))
	throttled, done, empty := answer(400, refusal("Throttling.User")), answer(200, `{"RequestId":"1"}`), answer(200, `{}`)
	for name, test := range map[string]struct {
		answers []http.HandlerFunc
		want    string
	}{
		"refused":                    {[]http.HandlerFunc{sure}, "forbidden, certain"},
		"throttled, refused":         {[]http.HandlerFunc{throttled, sure}, "forbidden, certain"},
		"unsure, refused":            {[]http.HandlerFunc{unsure, sure}, "forbidden, uncertain"},
		"cut, refused":               {[]http.HandlerFunc{cut, sure}, "forbidden, uncertain"},
		"empty, refused":             {[]http.HandlerFunc{empty, sure}, "forbidden, uncertain"},
		"unsure, throttled, refused": {[]http.HandlerFunc{unsure, throttled, sure}, "forbidden, uncertain"},
		"unsure, done":               {[]http.HandlerFunc{unsure, done}, "done"},
		"empty for ever":             {[]http.HandlerFunc{empty}, "unavailable, uncertain"},
		"throttled for ever":         {[]http.HandlerFunc{throttled}, "throttled, certain"},
	} {
		for call, do := range map[string]func(*testing.T, http.HandlerFunc) error{
			"Tag": func(t *testing.T, serve http.HandlerFunc) error {
				return against(t, serve).Tag(context.Background(), ref, "a", "b")
			},
			"Untag": func(t *testing.T, serve http.HandlerFunc) error {
				return against(t, serve).Untag(context.Background(), ref, "a")
			},
		} {
			t.Run(call+" "+name, func(t *testing.T) {
				t.Parallel()
				calls := 0
				err := do(t, func(w http.ResponseWriter, r *http.Request) {
					serve := test.answers[min(calls, len(test.answers)-1)]
					calls++
					serve(w, r)
				})
				got := "done"
				if err != nil {
					got = string(handler.AsError(err).Kind) + map[bool]string{true: ", uncertain", false: ", certain"}[handler.AsError(err).Uncertain]
				}
				if got != test.want {
					t.Errorf("after %d calls it is %s (%v), want %s", calls, got, err, test.want)
				}
			})
		}
	}
}

func TestInstanceWithoutTLS(t *testing.T) {
	client := against(t, dated("Tue, 24 Nov 2026 10:40:14 GMT", refusal("IncorrectEngineVersion"), 403))
	ssl, err := client.SSL(context.Background(), ref)
	if at := ssl.At; err != nil || at.Second() != 14 || ssl != (handler.SSL{NoTLS: true, At: at}) {
		t.Errorf("its encryption reads %+v, %v", ssl, err)
	}
	if e := modify(client); e == nil || e.Kind != handler.Unsupported {
		t.Errorf("a change of it ends with %v", e)
	}
	if _, err := client.Instance(context.Background(), ref); !errors.Is(err, handler.Unsupported) {
		t.Errorf("another call with this refusal ends with %v", err)
	}
	if ssl, err := against(t, dated("", refusal("IncorrectEngineVersion"), 403)).SSL(context.Background(), ref); err == nil || ssl != (handler.SSL{}) {
		t.Errorf("without a Date it reads %+v, %v", ssl, err)
	}
}
