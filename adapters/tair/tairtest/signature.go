package tairtest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// skew is the greatest difference between a request's timestamp and the machine's clock.
const skew = 15 * time.Minute

// stringToSign is the string to sign of signature version 1.0: the method, the path, and
// the sorted and percent-encoded parameters without the signature.
func stringToSign(method string, params map[string]string) string {
	var query []string
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if key != "Signature" {
			query = append(query, percent(key)+"="+percent(params[key]))
		}
	}
	return method + "&%2F&" + percent(strings.Join(query, "&"))
}

var rfc3986 = strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~")

// percent encodes by RFC 3986.
func percent(s string) string { return rfc3986.Replace(url.QueryEscape(s)) }

func sign(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate checks a request in the gateway's order.
func (e *Emulator) authenticate(method string, p map[string]string) *refusal {
	secret, known := e.options.Keys[p["AccessKeyId"]]
	switch {
	case p["AccessKeyId"] == "":
		return missing("AccessKeyId")
	case !known:
		return &refusal{http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}
	case p["Signature"] == "":
		return missing("Signature")
	case p["SignatureMethod"] != "HMAC-SHA1":
		return &refusal{http.StatusBadRequest, "InvalidParameter", "The specified parameter \"SignatureMethod\" is not valid: this service takes HMAC-SHA1."}
	case p["SignatureVersion"] != "1.0":
		return &refusal{http.StatusBadRequest, "InvalidParameter", "The specified parameter \"SignatureVersion\" is not valid: this service takes 1.0."}
	case p["SignatureNonce"] == "":
		return missing("SignatureNonce")
	case p["Timestamp"] == "":
		return missing("Timestamp")
	}
	at, err := time.Parse(timeLayout, p["Timestamp"])
	if err != nil {
		return &refusal{http.StatusBadRequest, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."}
	}
	now := e.options.Now()
	if now.Sub(at).Abs() > skew {
		return &refusal{http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."}
	}
	text := stringToSign(method, p)
	if !hmac.Equal([]byte(p["Signature"]), []byte(sign(secret, text))) {
		return &refusal{http.StatusBadRequest, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation. server string to sign is:" + text}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.swept) > time.Minute {
		// An older nonce cannot come again, because its timestamp is too old.
		maps.DeleteFunc(e.nonces, func(_ string, seen time.Time) bool { return now.Sub(seen) > 2*skew })
		e.swept = now
	}
	nonce := p["AccessKeyId"] + " " + p["SignatureNonce"]
	if _, used := e.nonces[nonce]; used {
		return &refusal{http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already."}
	}
	e.nonces[nonce] = now
	return nil
}
