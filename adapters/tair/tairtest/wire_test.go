package tairtest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
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
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/adapters/tair/tairtest"
)

// The example of Alibaba Cloud's page on the RPC signature.
func TestPublishedExampleOfTheSignature(t *testing.T) {
	p := url.Values{"AccessKeyId": {"testid"}, "Action": {"DescribeRegions"}, "Format": {"XML"}, "SignatureMethod": {"HMAC-SHA1"},
		"SignatureNonce": {"3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"}, "SignatureVersion": {"1.0"}, "Timestamp": {"2016-02-23T12:46:24Z"}, "Version": {"2014-05-26"}}
	if got := tairtest.Sign("testsecret", "GET", p); got != "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" {
		t.Errorf("the published example is signed %s", got)
	}
}

// send sends an authentic call by hand and gives all of the answer.
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
		t.Error("an authentic call is not counted, or one that never was is")
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

func TestASlowAnswerEndsWithItsCaller(t *testing.T) {
	w := newWorld(t)
	_ = w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "slow", Times: 1})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, _, err := w.send(ctx, newClient(t, nil), w.url, update())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the slow call ends by %v", err)
	}
	if got := w.instance().Restarts; got != 1 {
		t.Errorf("the slow call counts %d restarts; it takes effect at once", got)
	}
}

func TestCloseEndsASlowAnswer(t *testing.T) {
	w := newWorld(t)
	_ = w.Fault(tairtest.Fault{Kind: "slow", Times: 1})
	client, done := newClient(t, nil), make(chan error)
	go func() {
		_, _, err := w.send(context.Background(), client, w.url, update())
		done <- err
	}()
	for w.instance().Restarts == 0 {
		select {
		case err := <-done:
			t.Fatalf("the slow answer came at once: %v", err)
		default:
		}
	}
	began := time.Now()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("closing ends a slow call by %v after %s", err, time.Since(began))
	}
}

func TestHugeAnswer(t *testing.T) {
	w := newWorld(t)
	_ = w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "huge", Times: 1})
	resp, body, err := w.send(context.Background(), newClient(t, nil), w.url, update())
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || len(body) < 64<<20 || !bytes.HasPrefix(body, []byte(`{"RequestId":"`)) || !bytes.HasSuffix(body, []byte(`"}`)) || w.instance().Restarts != 1 {
		t.Errorf("the huge answer is %d with %d bytes, and %d restarts", resp.StatusCode, len(body), w.instance().Restarts)
	}
}

func TestCutsOverHTTPS(t *testing.T) {
	w := newWorld(t)
	base, err := w.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.CAPEM())
	client := newClient(t, &tls.Config{RootCAs: roots})
	for n, kind := range []string{"cut_before", "cut_after"} {
		_ = w.Fault(tairtest.Fault{Kind: kind, Times: 1})
		if resp, _, err := w.send(context.Background(), client, base, update()); err == nil {
			t.Errorf("%s is answered %s", kind, resp.Status)
		}
		if got := w.instance().Restarts; got != n {
			t.Errorf("after %s there are %d restarts, want %d", kind, got, n)
		}
	}
}

func TestFaultsQueueUp(t *testing.T) {
	w := newWorld(t)
	for _, f := range []tairtest.Fault{{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 2}, {Action: "*", Kind: "server_error", Times: 1}, {Action: "DescribeInstances", Kind: "throttle", Times: 1}} {
		if err := w.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range []string{"400 Throttling.User", "400 Throttling.User", "500 InternalError"} {
		if got := codeOf(w.modify("Update")); got != want {
			t.Errorf("call %d is answered %s, want %s", n, got, want)
		}
	}
	if err := w.modify("Update"); err != nil {
		t.Errorf("a fault of another action strikes: %v", err)
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
	if err != nil || answer.CertDownloadURL != base+"/emulator/ca.pem" {
		t.Fatalf("DescribeInstanceSSL: %+v, %v", answer, err)
	}
	resp, err := plain.Get(answer.CertDownloadURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !bytes.Equal(body, w.CAPEM()) {
		t.Errorf("the CertDownloadURL holds %q", body)
	}
}

func TestPagesFiltersAndTagLimits(t *testing.T) {
	w := newWorld(t)
	find := func(change func(*kvstore.DescribeInstancesRequest)) string {
		r := kvstore.CreateDescribeInstancesRequest()
		r.RegionId = "cn-hangzhou"
		change(r)
		answer, err := w.sdk.DescribeInstances(r)
		if err != nil {
			return codeOf(err)
		}
		var ids []string
		for _, i := range answer.Instances.KVStoreInstance {
			ids = append(ids, i.InstanceId[len(i.InstanceId)-2:])
		}
		return fmt.Sprint(ids, " of ", answer.TotalCount)
	}
	for name, test := range map[string]struct {
		change func(*kvstore.DescribeInstancesRequest)
		want   string
	}{
		"all of a region": {func(*kvstore.DescribeInstancesRequest) {}, "[01 02 03 04 06 05] of 6"},
		"another region":  {func(r *kvstore.DescribeInstancesRequest) { r.RegionId = "cn-shanghai" }, "[07] of 1"},
		"past the end":    {func(r *kvstore.DescribeInstancesRequest) { r.PageNumber = requests.NewInteger(9) }, "[] of 6"},
		"page too large":  {func(r *kvstore.DescribeInstancesRequest) { r.PageSize = requests.NewInteger(51) }, "400 InvalidParameter"},
		"by ids": {func(r *kvstore.DescribeInstancesRequest) {
			r.InstanceIds = "r-bp1zxszhcgatnx04,r-bp1zxszhcgatnx02,r-gone,r-bp1zxszhcgatnx02"
		}, "[02 04] of 2"},
		"31 ids":    {func(r *kvstore.DescribeInstancesRequest) { r.InstanceIds = strings.Repeat("r-x,", 30) + "r-x" }, "400 InvalidParameter"},
		"by status": {func(r *kvstore.DescribeInstancesRequest) { r.InstanceStatus = "SSLModifying" }, "[] of 0"},
		"by tag": {func(r *kvstore.DescribeInstancesRequest) {
			r.Tag = &[]kvstore.DescribeInstancesTag{{Key: "env", Value: "prod"}}
		}, "[05] of 1"},
	} {
		if got := find(test.change); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}

	tag := func(from, to int) string {
		r := kvstore.CreateTagResourcesRequest()
		r.ResourceType, r.ResourceId = "INSTANCE", &[]string{id}
		var tags []kvstore.TagResourcesTag
		for n := from; n <= to; n++ {
			tags = append(tags, kvstore.TagResourcesTag{Key: fmt.Sprint("key", n), Value: strings.Repeat("值", 128)})
		}
		r.Tag = &tags
		_, err := w.sdk.TagResources(r)
		return codeOf(err)
	}
	if got := tag(1, 20); got != "<nil>" || len(w.instance().Tags) != 20 {
		t.Errorf("20 tags of the greatest length are answered %s, %d are held", got, len(w.instance().Tags))
	}
	if got := tag(20, 20); got != "<nil>" {
		t.Errorf("writing over a tag of a full instance is answered %s", got)
	}
	if got := tag(21, 21); got != "400 QuotaExceed.TagsPerResource" || len(w.instance().Tags) != 20 {
		t.Errorf("the 21st tag is answered %s, %d are held", got, len(w.instance().Tags))
	}
	list := kvstore.CreateListTagResourcesRequest()
	list.ResourceType, list.ResourceId = "INSTANCE", &[]string{id, "tt-bp1zxszhcgatnx05"}
	list.Tag = &[]kvstore.ListTagResourcesTag{{Key: "env"}}
	answer, err := w.sdk.ListTagResources(list)
	if err != nil || fmt.Sprint(answer.TagResources.TagResource) != "[{prod ALIYUN::KVSTORE::INSTANCE tt-bp1zxszhcgatnx05 env} {off ALIYUN::KVSTORE::INSTANCE tt-bp1zxszhcgatnx05 tairssl}]" {
		t.Errorf("ListTagResources: %+v, %v", answer, err)
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

func TestErrorsOfInstancesNameFieldAndIndex(t *testing.T) {
	for input, want := range map[string]string{
		`[{"InstanceId":"r-a"},{"InstanceId":"r-b","Colour":"red"}]`: `instance 1: json: unknown field "Colour"`,
		`[{"InstanceId":"r-a"},{}]`:                                  `instance 1: InstanceId is missing`,
		`[null]`:                                                     `instance 0: InstanceId is missing`,
		`{"InstanceId":"r-a","SSLEnabled":"Maybe"}`:                  `instance 0: SSLEnabled "Maybe" is neither Enable nor Disable`,
		`{"InstanceId":"r-a","SSLExpiredTime":"soon","MaintainEndTime":"26:00Z"}`:                         `instance 0: SSLExpiredTime "soon" is not a time like 2026-12-01T00:00:00Z; MaintainEndTime "26:00Z" is not a time like 18:00Z`,
		`{"InstanceId":"r-a","ActiveOperationTasks":[{"TaskType":"t"},{"TaskType":"t","StartTime":"x"}]}`: `instance 0: ActiveOperationTasks[1].StartTime "x" is not a time like 2026-12-01T00:00:00Z`,
		`{"InstanceId":"r-a","CertCommonName":"a b"}`:                                                     `instance 0: CertCommonName "a b" is not a host name`,
		`{"InstanceId":"r-a","Tags":{"":"x"}}`:                                                            `instance 0: Tags: the Key of "" has the wrong length: keys take 1 to 64 characters, values up to 128`,
		`{"InstanceId":"r-a"},{"InstanceId":"r-b"}`:                                                       `instance 0: invalid character ',' after top-level value`,
	} {
		if _, err := tairtest.DecodeInstances([]byte(input)); err == nil || err.Error() != want {
			t.Errorf("%s is answered %q, want %q", input, err, want)
		}
	}
}

func TestControlPathsAndMethods(t *testing.T) {
	w := newWorld(t)
	client := newClient(t, nil)
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/emulator/nothing", "", 404}, {"GET", "/elsewhere", "", 404},
		{"DELETE", "/emulator/instances", "", 405}, {"PUT", "/emulator/clock", "", 405}, {"POST", "/emulator/ca.pem", "", 405},
		{"POST", "/emulator/clock", `{"Advance":"1h"} more`, 400},
		{"POST", "/emulator/instances", `{"InstanceId":"r-a"},{"InstanceId":"r-b"}`, 400},
	} {
		r, err := http.NewRequest(test.method, w.url+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Error string }
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		if resp.StatusCode != test.status || err != nil || answer.Error == "" {
			t.Errorf("%s %s is answered %d %q, want %d with an Error", test.method, test.path, resp.StatusCode, answer.Error, test.status)
		}
	}
	if _, ok := w.Instance("r-a"); ok {
		t.Error("half of a refused body was put")
	}
	before := w.Instances()
	if err := w.Put(tairtest.Instance{InstanceID: "r-good"}, tairtest.Instance{InstanceID: "not an id"}); err == nil || !strings.HasPrefix(err.Error(), "instance 1: InstanceId") {
		t.Errorf("a wrong instance is put, or the error does not name it: %v", err)
	}
	if len(w.Instances()) != len(before) {
		t.Error("a refused Put left something behind")
	}
}
