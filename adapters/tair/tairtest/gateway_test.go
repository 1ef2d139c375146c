package tairtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// signed sends signed parameters, as a client in any language does.
func (w *world) signed(method string, inForm bool, change func(url.Values)) (status int, code string) {
	w.t.Helper()
	p := url.Values{"Action": {"DescribeInstanceSSL"}, "Version": {"2015-01-01"}, "Format": {"JSON"}, "InstanceId": {id},
		"AccessKeyId": {"emulator"}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SecurityToken": {"a b*~+/="},
		"SignatureNonce": {fmt.Sprint(time.Now().UnixNano())}, "Timestamp": {w.Now().UTC().Format("2006-01-02T15:04:05Z")}}
	change(p)
	if !p.Has("Signature") { // a scenario may bring its own signature
		p.Set("Signature", tairtest.Sign("emulator-secret", method, p))
	}
	target, body := w.url+"/", io.Reader(nil)
	if inForm {
		body = strings.NewReader(p.Encode())
	} else {
		target += "?" + p.Encode()
	}
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if inForm {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	var answer struct{ Code, RequestId, HostId, Message string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.RequestId == "" {
		w.t.Errorf("the answer is not as documented: %+v, %v", answer, err)
	}
	return resp.StatusCode, answer.Code
}

func TestTheGatewaysChecks(t *testing.T) {
	w := newWorld(t)
	none := func(url.Values) {}
	for _, form := range []struct {
		method string
		inForm bool
	}{{"GET", false}, {"POST", false}, {"POST", true}} {
		if status, code := w.signed(form.method, form.inForm, none); status != 200 {
			t.Errorf("%s with the parameters in a form: %v is answered %d %s", form.method, form.inForm, status, code)
		}
	}
	w.Advance(1000 * time.Hour) // requests do not grow old by this
	for name, test := range map[string]struct {
		change func(url.Values)
		status int
		code   string
	}{
		"no action":         {func(p url.Values) { p.Del("Action") }, 400, "MissingAction"},
		"unknown action":    {func(p url.Values) { p.Set("Action", "MakeTea") }, 404, "InvalidAction.NotFound"},
		"no version":        {func(p url.Values) { p.Del("Version") }, 400, "MissingVersion"},
		"wrong version":     {func(p url.Values) { p.Set("Version", "2020-01-01") }, 400, "InvalidVersion"},
		"no key":            {func(p url.Values) { p.Del("AccessKeyId") }, 400, "MissingAccessKeyId"},
		"unknown key":       {func(p url.Values) { p.Set("AccessKeyId", "stranger") }, 404, "InvalidAccessKeyId.NotFound"},
		"empty signature":   {func(p url.Values) { p.Set("Signature", "") }, 400, "MissingSignature"},
		"bad signature":     {func(p url.Values) { p.Set("Signature", "AAAA") }, 400, "SignatureDoesNotMatch"},
		"other method":      {func(p url.Values) { p.Set("SignatureMethod", "HMAC-SHA256") }, 400, "InvalidParameter"},
		"no nonce":          {func(p url.Values) { p.Del("SignatureNonce") }, 400, "MissingSignatureNonce"},
		"stale":             {func(p url.Values) { p.Set("Timestamp", "2020-01-01T00:00:00Z") }, 400, "InvalidTimeStamp.Expired"},
		"from the future":   {func(p url.Values) { p.Set("Timestamp", "2120-01-01T00:00:00Z") }, 400, "InvalidTimeStamp.Expired"},
		"no time":           {func(p url.Values) { p.Set("Timestamp", "today") }, 400, "InvalidTimeStamp.Format"},
		"no instance":       {func(p url.Values) { p.Del("InstanceId") }, 400, "MissingInstanceId"},
		"unknown instance":  {func(p url.Values) { p.Set("InstanceId", "r-gone") }, 404, "InvalidInstanceId.NotFound"},
		"bad wish":          {func(p url.Values) { p.Set("Action", "ModifyInstanceSSL"); p.Set("SSLEnabled", "update") }, 400, "InvalidParameters.Format"},
		"page of a million": {func(p url.Values) { p.Set("Action", "DescribeInstances"); p.Set("PageSize", "1000000") }, 400, "InvalidParameter"},
		"long tag": {func(p url.Values) {
			p.Set("Action", "TagResources")
			p.Set("RegionId", "cn-hangzhou")
			p.Set("ResourceType", "INSTANCE")
			p.Set("ResourceId.1", id)
			p.Set("Tag.1.Key", "k")
			p.Set("Tag.1.Value", strings.Repeat("v", 129))
		}, 400, "InvalidParameter"},
	} {
		if status, code := w.signed("POST", true, func(p url.Values) {
			p.Set("Timestamp", time.Now().UTC().Format("2006-01-02T15:04:05Z"))
			test.change(p)
		}); status != test.status || code != test.code {
			t.Errorf("%s: answered %d %s, want %d %s", name, status, code, test.status, test.code)
		}
	}
	twice := func(p url.Values) {
		p.Set("Timestamp", time.Now().UTC().Format("2006-01-02T15:04:05Z"))
		p.Set("SignatureNonce", "again")
	}
	w.signed("GET", false, twice)
	if status, code := w.signed("GET", false, twice); status != 400 || code != "SignatureNonceUsed" {
		t.Errorf("a nonce used twice is answered %d %s", status, code)
	}
	if w.instance().Restarts != 0 {
		t.Error("a refused call restarted the instance")
	}
}
