package localruntime

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var sigV4 = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

const (
	awsTime = "20060102T150405Z"
	// AWS accepts a signature for 5 minutes, Alibaba Cloud for 15.
	awsSkew, acsSkew = 5 * time.Minute, 15 * time.Minute
)

func forbidden(code, format string, args ...any) *refusal {
	return &refusal{http.StatusForbidden, code, fmt.Sprintf(format, args...)}
}

// checkSigV4 checks a request's Signature Version 4 as AWS does. It returns nil if the
// signature is right. Source: AWS IAM User Guide, "Create a signed AWS API request".
func checkSigV4(r *http.Request, body []byte, k key, region, service string, now time.Time) *refusal {
	const wrong = "InvalidSignatureException"
	if r.Header.Get("Authorization") == "" {
		return forbidden("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	m := sigV4.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return forbidden("IncompleteSignatureException", "Authorization is not of the form of Signature Version 4")
	}
	id, day, scope, signed, signature := m[1], m[2], m[2]+"/"+m[3]+"/"+m[4]+"/aws4_request", strings.Split(m[5], ";"), m[6]
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(awsTime, stamp)
	switch {
	case k.id == "" || id != k.id || r.Header.Get("X-Amz-Security-Token") != k.token:
		return forbidden("UnrecognizedClientException", "The security token included in the request is invalid.")
	case m[3] != region || m[4] != service || !strings.HasPrefix(stamp, day):
		return forbidden(wrong, "Credential should be scoped to %s and service %s, and to the day of X-Amz-Date", region, service)
	case err != nil || at.Sub(now).Abs() > awsSkew:
		return forbidden(wrong, "Signature expired or not yet current: %q, and it is %s", stamp, now.UTC().Format(awsTime))
	}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && !slices.Contains(signed, name) {
			return forbidden(wrong, "%s must be signed", name)
		}
	}
	if !slices.Contains(signed, "host") || !slices.IsSorted(signed) {
		return forbidden(wrong, "SignedHeaders must be sorted and have host")
	}
	canonical := sha256.Sum256([]byte(canonicalRequest(r, body, signed)))
	signing := []byte("AWS4" + k.secret)
	for _, part := range []string{day, region, service, "aws4_request"} {
		signing = mac(sha256.New, signing, part)
	}
	want := mac(sha256.New, signing, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(canonical[:]))
	if !hmac.Equal([]byte(hex.EncodeToString(want)), []byte(signature)) {
		return forbidden(wrong, "The request signature we calculated does not match the signature you provided.")
	}
	return nil
}

// canonicalRequest is the text of a request that AWS signs. Its path is encoded twice.
func canonicalRequest(r *http.Request, body []byte, signed []string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	lines := []string{r.Method, strings.ReplaceAll(escape(r.URL.EscapedPath()), "%2F", "/"), strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")}
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name { // a server's http.Request does not have these two in its Header
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		lines = append(lines, name+":"+strings.Join(strings.Fields(value), " "))
	}
	hash := sha256.Sum256(body)
	lines = append(lines, "", strings.Join(signed, ";"), hex.EncodeToString(hash[:]))
	return strings.Join(lines, "\n")
}

// checkACS checks a request's signature in the RESTful ("ROA") style of Alibaba Cloud.
// It returns nil if the signature is right. Source: Alibaba Cloud SDK, "Request syntax
// and signature method V2 for ROA-style APIs".
func checkACS(r *http.Request, body []byte, k key, now time.Time) *refusal {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, signature, ok := strings.Cut(rest, ":")
	if scheme != "acs" || !ok {
		return forbidden("AccessDenied", "Authorization must be acs AccessKeyId:Signature")
	}
	sum := md5.Sum(body)
	date, err := http.ParseTime(r.Header.Get("Date"))
	switch {
	case k.id == "" || id != k.id:
		return forbidden("InvalidAccessKeyID", "the AccessKey ID is invalid")
	case r.Header.Get("X-Acs-Security-Token") != k.token:
		return forbidden("InvalidSecurityToken", "the security token is invalid")
	case err != nil || date.Sub(now).Abs() > acsSkew:
		return forbidden("RequestExpired", "Date is %q, and it is %s", r.Header.Get("Date"), now.UTC().Format(http.TimeFormat))
	case r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(sum[:]):
		return forbidden("SignatureNotMatch", "Content-MD5 is not the body's")
	case r.Header.Get("X-Acs-Signature-Method") != "HMAC-SHA1":
		return forbidden("SignatureNotMatch", "x-acs-signature-method must be HMAC-SHA1")
	}
	want := base64.StdEncoding.EncodeToString(mac(sha1.New, []byte(k.secret), acsStringToSign(r)))
	if !hmac.Equal([]byte(want), []byte(signature)) {
		return forbidden("SignatureNotMatch", "the signature does not match")
	}
	return nil
}

// acsStringToSign is the text of a request that Alibaba Cloud signs. The header
// Content-MD5 covers the body.
func acsStringToSign(r *http.Request) string {
	lines := []string{r.Method}
	for _, name := range []string{"Accept", "Content-Md5", "Content-Type", "Date"} {
		lines = append(lines, r.Header.Get(name))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-acs-") {
			lines = append(lines, lower+":"+strings.TrimSpace(r.Header.Get(name)))
		}
	}
	resource := r.URL.Path
	var query []string
	for name, values := range r.URL.Query() {
		query = append(query, name+"="+values[0])
	}
	if slices.Sort(query); len(query) > 0 {
		resource += "?" + strings.Join(query, "&")
	}
	return strings.Join(append(lines, resource), "\n")
}

func mac(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
