package tairtest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/adapters/tair/tairtest"
)

// The example is from Alibaba Cloud's page on the RPC signature.
func TestPublishedExampleOfTheSignature(t *testing.T) {
	p := url.Values{"AccessKeyId": {"testid"}, "Action": {"DescribeRegions"}, "Format": {"XML"}, "SignatureMethod": {"HMAC-SHA1"},
		"SignatureNonce": {"3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"}, "SignatureVersion": {"1.0"}, "Timestamp": {"2016-02-23T12:46:24Z"}, "Version": {"2014-05-26"}}
	if got := tairtest.Sign("testsecret", "GET", p); got != "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" {
		t.Errorf("the published example is signed %s", got)
	}
}

// send sends an authentic call without the SDK and returns the whole answer.
func (w *world) send(ctx context.Context, client *http.Client, base string, p url.Values) (*http.Response, []byte, error) {
	p = authentic(p, fmt.Sprint(time.Now().UnixNano()))
	p.Set("Signature", tairtest.Sign("emulator-secret", "POST", p))
	r, err := http.NewRequestWithContext(ctx, "POST", base, strings.NewReader(p.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func newClient(t *testing.T, config *tls.Config) *http.Client {
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func update() url.Values {
	return url.Values{"Action": {"ModifyInstanceSSL"}, "InstanceId": {id}, "SSLEnabled": {"Update"}}
}

func TestAnErrorsBody(t *testing.T) {
	w := newWorld(t)
	client := newClient(t, nil)
	p := update()
	p.Del("InstanceId")
	resp, body, err := w.send(context.Background(), client, w.url, p)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`).MatchString(got["RequestId"]) {
		t.Errorf("the RequestId is %q", got["RequestId"])
	}
	if resp.StatusCode != 400 || got["Code"] != "MissingInstanceId" || got["Message"] != "InstanceId is mandatory for this action." || got["HostId"] == "" || got["Recommend"] == "" || len(got) != 5 ||
		resp.Header.Get("Content-Type") != "application/json;charset=utf-8" {
		t.Errorf("the answer is %d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	if w.Calls("ModifyInstanceSSL") != 1 || w.Calls("DescribeInstanceSSL") != 0 {
		t.Error("the count of authentic calls is wrong")
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH"} {
		if status, code := w.signed(method, false, func(url.Values) {}); status != 405 || code != "UnsupportedHTTPMethod" {
			t.Errorf("%s is answered %d %s", method, status, code)
		}
	}
	resp, err = client.Post(w.url, "application/x-www-form-urlencoded", strings.NewReader(strings.Repeat("x", 1<<20+1)))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("a body of more than 1 MiB is answered %d", resp.StatusCode)
	}
}

func TestSDKOverHTTPSWithTheCA(t *testing.T) {
	w := newWorld(t)
	base, err := w.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.CAPEM())
	plain := newClient(t, &tls.Config{RootCAs: roots})
	config := sdk.NewConfig().WithScheme("HTTPS")
	config.Transport = plain.Transport
	client, err := kvstore.NewClientWithOptions("cn-hangzhou", config, credentials.NewStsTokenCredential("emulator", "emulator-secret", "to ken+/=*~"))
	if err != nil {
		t.Fatal(err)
	}
	client.Domain = strings.TrimPrefix(base, "https://")
	r := kvstore.CreateDescribeInstanceSSLRequest()
	r.InstanceId, r.Scheme = id, "HTTPS"
	answer, err := client.DescribeInstanceSSL(r)
	if err != nil || answer.CertDownloadURL != base+"/emulator/ca/"+id+"/ApsaraDB-CA-Chain.zip" {
		t.Fatalf("DescribeInstanceSSL: %+v, %v", answer, err)
	}
	resp, err := plain.Get(answer.CertDownloadURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if files := unpack(t, body); !bytes.Equal(files["pem"], w.CAPEM()) {
		t.Errorf("the archive at the CertDownloadURL holds %q", files["pem"])
	}
}

func TestAnUpdateAcceptedInTheLagOfADisableHasNothingToRenew(t *testing.T) {
	w := newWorld(t)
	for _, action := range []string{"Disable", "Update"} {
		if err := w.modify(action); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(time.Minute)
	if i := w.instance(); i.SSLEnabled != "Disable" || i.SSLExpiredTime != "" || i.Restarts != 2 || i.InstanceStatus != "Normal" {
		t.Errorf("the instance ends as %+v", i)
	}
}

func TestHTTPSWithItsOwnAuthority(t *testing.T) {
	w := newWorld(t)
	base, err := w.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(w.CAPEM()) {
		t.Fatal("CAPEM holds no certificate")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(base + "/emulator/instances")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !bytes.Contains(body, []byte(id)) {
		t.Errorf("HTTPS answers %s", body)
	}
}
