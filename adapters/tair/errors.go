package tair

import (
	"net/http"
	"strings"

	"tairssl/handler"
)

// meaning says what an error code of an API means for the handler. A code that ends in "*"
// stands for all codes with that beginning. A code that begins with "*" stands for all
// codes with that ending.
type meaning struct {
	code string
	kind handler.Kind
	fix  string // the advice that follows the API's own message
	// uncertain is true if a write may have taken effect in spite of this code.
	uncertain bool
	// clock is true if the advice says how wrong this machine's clock is.
	clock bool
	err   error
}

func (m meaning) fits(code string) bool {
	if prefix, open := strings.CutSuffix(m.code, "*"); open {
		return strings.HasPrefix(code, prefix)
	}
	if suffix, open := strings.CutPrefix(m.code, "*"); open {
		return strings.HasSuffix(code, suffix)
	}
	return code == m.code
}

// meaningOf returns the first row that fits a code.
func meaningOf(code string, rows []meaning) (meaning, bool) {
	for _, row := range rows {
		if row.fits(code) {
			return row, true
		}
	}
	return meaning{}, false
}

const (
	checkID     = "check the id, and RegionId or TAIRSSL_REGION"
	checkRate   = "lower TAIRSSL_RATE if this is frequent"
	checkKey    = "check ALIBABA_CLOUD_ACCESS_KEY_ID"
	checkSecret = "check ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	checkServer = "this endpoint does not serve it: check TAIRSSL_ENDPOINT"
	allowAction = "allow %s to the role or user of the credentials"
)

// codeNoTLS is the code of DescribeInstanceSSL for an instance whose type has no TLS.
// ModifyInstanceSSL also uses it for an instance whose minor version is too old.
const codeNoTLS = "IncorrectEngineVersion"

// codes are the error codes of the OpenAPI. Sources: the error tables of
// ModifyInstanceSSL, DescribeInstanceSSL, ModifyActiveOperationTask and TagResources; the
// codes that the RPC gateway adds to every call; and the codes that public clients handle.
var codes = []meaning{
	{code: "IncorrectDBInstanceState", kind: handler.Unavailable, err: handler.ErrBusy},
	{code: "OperationDeniedDBStatus", kind: handler.Unavailable, err: handler.ErrBusy},
	{code: "Task.Conflict", kind: handler.Unavailable, err: handler.ErrBusy},
	{code: "SSLEnabledStateExistsFault", kind: handler.Unsupported, err: handler.ErrAlready},
	{code: "SSLDisableStateExistsFault", kind: handler.Unsupported, err: handler.ErrAlready},
	{code: "IncorrectDBInstanceLockMode", kind: handler.Locked, fix: "unlock the instance, for example by paying its bill, and try again"},
	{code: "IncorrectCharacterType", kind: handler.Unsupported, fix: "this type of instance has no encryption"},
	{code: codeNoTLS, kind: handler.Unsupported, fix: "upgrade the minor version of the instance and try again; some types have no encryption"},
	{code: "InvalidRedisVersionPattern", kind: handler.Unsupported, fix: "this version of Redis has no encryption"},
	{code: "EnabledSSLNotSupport", kind: handler.Unsupported, fix: "this region has no encryption"},
	{code: "InvalidParameters.Format", kind: handler.Invalid},

	{code: "TaskModifyError", kind: handler.Unsupported},
	{code: "TaskHasStarted", kind: handler.Unsupported},
	{code: "IncorrectTask*", kind: handler.Unsupported},
	{code: "SwitchTimeAfterDeadline", kind: handler.Unsupported},
	{code: "StartTimeBeforeNow", kind: handler.Unsupported},

	// The codes are InvalidInstanceId, InvalidDbInstanceId, InvalidDBInstanceId,
	// InvalidDBInstance and, from the tagging calls, InvalidResourceId.
	{code: "*InstanceId.NotFound", kind: handler.NotFound, fix: checkID},
	{code: "*Instance.NotFound", kind: handler.NotFound, fix: checkID},
	{code: "InvalidResourceId.NotFound", kind: handler.NotFound, fix: checkID},
	{code: "InvalidAction*", kind: handler.Unsupported, fix: checkServer},
	{code: "InvalidApi*", kind: handler.Unsupported, fix: checkServer},
	{code: "InvalidProduct*", kind: handler.Unsupported, fix: checkServer},
	{code: "InvalidVersion*", kind: handler.Unsupported, fix: checkServer},
	{code: "InvalidRegion*", kind: handler.Invalid, fix: "check RegionId or TAIRSSL_REGION, and TAIRSSL_ENDPOINT"},

	{code: "Throttling*", kind: handler.Throttled, fix: checkRate},
	{code: "Rejected.Throttling", kind: handler.Throttled, fix: checkRate, uncertain: true},
	{code: "ServiceUnavailable*", kind: handler.Unavailable, uncertain: true},
	{code: "InternalError*", kind: handler.Unavailable, uncertain: true},
	{code: "ProxyError", kind: handler.Unavailable, uncertain: true},
	{code: "LockTimeout", kind: handler.Unavailable, uncertain: true},

	{code: "InvalidTimeStamp.Expired", kind: handler.Unavailable, clock: true},
	{code: "SignatureNonceUsed", kind: handler.Unavailable, uncertain: true}, // the API may have accepted the first copy of the request
	{code: "Forbidden*", kind: handler.Forbidden, fix: allowAction},
	{code: "NoPermission*", kind: handler.Forbidden, fix: allowAction},
	{code: "InvalidAccessKey*", kind: handler.Forbidden, fix: checkKey},
	{code: "InvalidSecurityToken*", kind: handler.Forbidden, fix: "the temporary credentials have ended or belong to another key: get new ones"},
	{code: "MissingSecurityToken", kind: handler.Forbidden, fix: "temporary credentials need ALIBABA_CLOUD_SECURITY_TOKEN"},
	{code: "SignatureDoesNotMatch", kind: handler.Forbidden, fix: checkSecret},
	{code: "IncompleteSignature", kind: handler.Forbidden, fix: checkSecret},
}

// statuses gives the kind of a code that is not in the table. Status 403 and 404 then
// describe the state of the instance, because the codes for missing rights and unknown ids
// are in the table.
var statuses = map[int]handler.Kind{
	http.StatusBadRequest:      handler.Invalid,
	http.StatusUnauthorized:    handler.Forbidden,
	http.StatusForbidden:       handler.Unsupported,
	http.StatusNotFound:        handler.Unsupported,
	http.StatusTooManyRequests: handler.Throttled,
}

// unlisted returns the meaning of a code that is not in the table.
func unlisted(code string, status int) meaning {
	credential := strings.HasPrefix(code, "Invalid") && (strings.Contains(code, "Token") || strings.Contains(code, "AccessKey"))
	switch kind, known := statuses[status]; {
	case credential:
		return meaning{kind: handler.Forbidden, fix: "check the credentials"}
	case status == http.StatusNotFound && strings.HasSuffix(code, "NotFound"):
		return meaning{kind: handler.NotFound, fix: checkID}
	case !known:
		return meaning{kind: handler.Unavailable}
	default:
		return meaning{kind: kind}
	}
}

// notTheAPI returns the meaning of an answer without a code, such as a proxy's page.
func notTheAPI(status int) meaning {
	m := meaning{kind: handler.Unavailable, fix: "if this stays, check TAIRSSL_ENDPOINT and the proxies on the way", uncertain: true}
	if status == http.StatusTooManyRequests {
		m.kind = handler.Throttled
	}
	return m
}

// tagRefusal returns the meaning of a refused TagResources if the code names tags or a
// quota. Alibaba publishes no code for "too many tags" and none for "forbidden by a tag
// policy".
func tagRefusal(code string) (meaning, bool) {
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(strings.ToLower(code), word) {
				return true
			}
		}
		return false
	}
	const room, policy = "the instance already has 20 tags, which is the limit: remove one", "a tag policy forbids this tag: let the policy allow keys that begin with tairssl"
	m := meaning{kind: handler.Unsupported, err: handler.ErrTagRefused}
	switch row, known := meaningOf(code, codes); {
	case has("tagpolicy", "tag.policy"): // first, because no right cures Forbidden.TagPolicy
		m.fix = policy
	case known && row.kind != handler.Invalid, !has("tag", "quota"):
		return meaning{}, false
	case has("quota", "limit", "exceed"):
		m.fix = room
	case has("policy"):
		m.fix = policy
	default:
		m.fix = "either " + room + "; or " + policy
	}
	return m, true
}
