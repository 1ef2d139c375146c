package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// request makes the signed request that hands work over, with the fault that Spoil names.
func request(o order, header http.Header) (*http.Request, error) {
	name, body, now := os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), []byte(o.Hand), time.Now().UTC()
	fc := name == ""
	if fc {
		name = header.Get("x-fc-function-name")
	}
	switch o.Spoil {
	case "name":
		name = "another"
	case "size":
		body = []byte(`"` + strings.Repeat("x", 128<<10) + `"`)
	case "more":
		body = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	case "json":
		body = []byte("{")
	case "time":
		now = now.Add(-20 * time.Minute)
	}
	version := "/2015-03-31"
	if fc {
		version = "/2023-03-30"
	}
	req, err := http.NewRequest(http.MethodPost, os.Getenv("TAIRSSL_INVOKE_ENDPOINT")+version+"/functions/"+name+"/invocations", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if fc {
		signFC(req, o, header, body, now)
	} else {
		signLambda(req, o, body, now)
	}
	switch o.Spoil {
	case "body":
		other := append(body, ' ')
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(other)), int64(len(other))
	case "signature":
		req.Header.Set("Authorization", req.Header.Get("Authorization")[:20])
	case "unsigned":
		req.Header.Del("Authorization")
	}
	return req, nil
}

func mac(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// pick returns b if spoil names this fault, otherwise a.
func pick(spoil, so, a, b string) string {
	if spoil == so {
		return b
	}
	return a
}

// signLambda signs with Signature Version 4.
func signLambda(req *http.Request, o order, body []byte, now time.Time) {
	kind := o.Type
	if kind == "" {
		kind = "Event"
	}
	token := pick(o.Spoil, "token", os.Getenv("AWS_SESSION_TOKEN"), "another")
	id := pick(o.Spoil, "id", os.Getenv("AWS_ACCESS_KEY_ID"), "another")
	secret := pick(o.Spoil, "secret", os.Getenv("AWS_SECRET_ACCESS_KEY"), "another")
	stamp := now.Format("20060102T150405Z")
	scope := stamp[:8] + "/" + pick(o.Spoil, "region", os.Getenv("AWS_REGION"), "mars-1") + "/lambda/aws4_request"
	sum := sha256.Sum256(body)
	const signed = "host;x-amz-date;x-amz-invocation-type;x-amz-security-token"
	canonical := sha256.Sum256([]byte(strings.Join([]string{
		"POST", req.URL.Path, "", "host:" + req.URL.Host, "x-amz-date:" + stamp, "x-amz-invocation-type:" + kind,
		"x-amz-security-token:" + token, "", signed, hex.EncodeToString(sum[:]),
	}, "\n")))
	signing := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		signing = mac(sha256.New, signing, part)
	}
	signature := hex.EncodeToString(mac(sha256.New, signing, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(canonical[:])))
	req.Header.Set("X-Amz-Date", stamp)
	req.Header.Set("X-Amz-Invocation-Type", kind)
	req.Header.Set("X-Amz-Security-Token", token)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+id+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}

// signFC signs in the RESTful ("ROA") style of Alibaba Cloud.
func signFC(req *http.Request, o order, header http.Header, body []byte, now time.Time) {
	kind := o.Type
	if kind == "" {
		kind = "Async"
	}
	token := pick(o.Spoil, "token", header.Get("x-fc-security-token"), "another")
	id := pick(o.Spoil, "id", header.Get("x-fc-access-key-id"), "another")
	secret := pick(o.Spoil, "secret", header.Get("x-fc-access-key-secret"), "another")
	sum := md5.Sum(body)
	md5, date := base64.StdEncoding.EncodeToString(sum[:]), now.Format(http.TimeFormat)
	text := strings.Join([]string{
		"POST", "application/json", md5, "application/json", date,
		"x-acs-security-token:" + token, "x-acs-signature-method:HMAC-SHA1", "x-acs-version:2023-03-30", req.URL.Path,
	}, "\n")
	for name, value := range map[string]string{
		"Accept": "application/json", "Content-Type": "application/json", "Content-MD5": md5, "Date": date,
		"x-acs-security-token": token, "x-acs-signature-method": "HMAC-SHA1", "x-acs-version": "2023-03-30", "x-fc-invocation-type": kind,
		"Authorization": "acs " + id + ":" + base64.StdEncoding.EncodeToString(mac(sha1.New, []byte(secret), text)),
	} {
		req.Header.Set(name, value)
	}
}
