package tairtest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"
	"go.uber.org/goleak"

	"tairssl/adapters/tair/tairtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "r-bp1zxszhcgatnx01"

// world is an emulator on loopback with the SDK's own client of it.
type world struct {
	*tairtest.Emulator
	t   *testing.T
	url string
	sdk *kvstore.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	// The machine's clock stands still, so that only Advance moves instances.
	now := time.Now()
	e, err := tairtest.New(tairtest.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
		t.Fatal(err)
	}
	base, err := e.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	config := sdk.NewConfig().WithScheme("HTTP").WithTimeout(20 * time.Second)
	config.Transport = transport
	client, err := kvstore.NewClientWithOptions("cn-hangzhou", config, credentials.NewAccessKeyCredential("emulator", "emulator-secret"))
	if err != nil {
		t.Fatal(err)
	}
	client.Domain = strings.TrimPrefix(base, "http://")
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{e, t, base, client}
}

func (w *world) modify(action string) error {
	r := kvstore.CreateModifyInstanceSSLRequest()
	r.InstanceId, r.SSLEnabled = id, action
	resp, err := w.sdk.ModifyInstanceSSL(r)
	if err == nil && (resp.InstanceId != id || resp.TaskId == "" || len(resp.RequestId) != 36) {
		w.t.Errorf("the answer lacks what is documented: %+v", resp)
	}
	return err
}

func (w *world) instance() tairtest.Instance {
	w.t.Helper()
	i, ok := w.Instance(id)
	if !ok {
		w.t.Fatal("the instance is gone")
	}
	return i
}

func codeOf(err error) string {
	if e, ok := err.(sdkerrors.Error); ok {
		return fmt.Sprint(e.HttpStatus(), " ", e.ErrorCode())
	}
	return fmt.Sprint(err)
}

func TestLifeOfAChange(t *testing.T) {
	w := newWorld(t)
	before, err := tairtest.ServedCertificate(context.Background(), w.instance().DataPlane)
	if err != nil {
		t.Fatal(err)
	}
	conn := w.redis(true)
	defer conn.Close()
	if err := w.modify("Update"); err != nil {
		t.Fatal(err)
	}
	if i := w.instance(); i.Restarts != 1 || i.InstanceStatus != "Normal" || i.SSLExpiredTime != before.NotAfter.Format("2006-01-02T15:04:05Z") {
		t.Errorf("right after it was accepted the change shows as %+v", i)
	}
	w.Advance(time.Second)
	if err := w.modify("Update"); err != nil {
		t.Errorf("a second write during the lag is refused: %v", err)
	}
	if got := w.instance().Restarts; got != 2 {
		t.Errorf("two accepted writes count %d restarts", got)
	}
	w.Advance(time.Second)
	if i := w.instance(); i.InstanceStatus != "SSLModifying" {
		t.Errorf("after the lag the instance is %s", i.InstanceStatus)
	}
	if got := codeOf(w.modify("Update")); got != "403 IncorrectDBInstanceState" {
		t.Errorf("a write while SSLModifying is answered %s", got)
	}
	w.Advance(6 * time.Second)
	i := w.instance()
	after, err := tairtest.ServedCertificate(context.Background(), i.DataPlane)
	if err != nil {
		t.Fatal(err)
	}
	if i.InstanceStatus != "Normal" || !after.NotAfter.After(before.NotAfter) || after.NotAfter.Format("2006-01-02T15:04:05Z") != i.SSLExpiredTime {
		t.Errorf("when all is done the instance is %+v and serves a certificate until %s", i, after.NotAfter)
	}
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF && !strings.Contains(fmt.Sprint(err), "reset") {
		t.Errorf("the restart left an open connection open: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.CAPEM())
	if _, err := after.Verify(x509.VerifyOptions{Roots: roots, DNSName: id + ".redis.rds.aliyuncs.com"}); err != nil {
		t.Errorf("the served certificate does not verify: %v", err)
	}
}

// redis connects to the data plane and sees a PING answered.
func (w *world) redis(secure bool) net.Conn {
	w.t.Helper()
	addr := w.instance().DataPlane
	var conn net.Conn
	var err error
	if secure {
		conn, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	} else {
		conn, err = net.Dial("tcp", addr)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "*1\r\n$4\r\nPING\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "+PONG\r\n" {
		w.t.Fatalf("PING is answered %q, %v", line, err)
	}
	return conn
}

func TestDisableAndEnable(t *testing.T) {
	w := newWorld(t)
	if got := codeOf(w.modify("Enable")); got != "400 SSLEnabledStateExistsFault" {
		t.Errorf("Enable while on is answered %s", got)
	}
	if err := w.modify("Disable"); err != nil {
		t.Fatal(err)
	}
	w.Advance(7 * time.Second)
	if i := w.instance(); i.SSLEnabled != "Disable" || i.SSLExpiredTime != "" {
		t.Errorf("after Disable the instance is %+v", i)
	}
	_ = w.redis(false).Close()
	if _, err := tairtest.ServedCertificate(context.Background(), w.instance().DataPlane); err == nil {
		t.Error("a certificate is served although encryption is off")
	}
	for _, action := range []string{"Disable", "Update"} {
		if got := codeOf(w.modify(action)); got != "400 SSLDisableStateExistsFault" {
			t.Errorf("%s while off is answered %s", action, got)
		}
	}
	if err := w.modify("Enable"); err != nil {
		t.Fatal(err)
	}
	w.Advance(7 * time.Second)
	_ = w.redis(true).Close()
}

func TestEveryActionThroughTheSDK(t *testing.T) {
	w := newWorld(t)
	ssl := kvstore.CreateDescribeInstanceSSLRequest()
	ssl.InstanceId = id
	if r, err := w.sdk.DescribeInstanceSSL(ssl); err != nil || r.SSLEnabled != "Enable" || r.CertCommonName != id+".redis.rds.aliyuncs.com" {
		t.Errorf("DescribeInstanceSSL: %+v, %v", r, err)
	} else if resp, err := http.Get(r.CertDownloadURL); err != nil || resp.StatusCode != 200 {
		t.Errorf("CertDownloadURL: %v", err)
	} else {
		_ = resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()

	tag := kvstore.CreateTagResourcesRequest()
	tag.ResourceType, tag.ResourceId, tag.Tag = "INSTANCE", &[]string{id}, &[]kvstore.TagResourcesTag{{Key: "a", Value: "b"}}
	if _, err := w.sdk.TagResources(tag); err != nil {
		t.Errorf("TagResources: %v", err)
	}
	attribute := kvstore.CreateDescribeInstanceAttributeRequest()
	attribute.InstanceId = id
	if r, err := w.sdk.DescribeInstanceAttribute(attribute); err != nil || len(r.Instances.DBInstanceAttribute) != 1 || fmt.Sprint(r.Instances.DBInstanceAttribute[0].Tags.Tag) != "[{a b}]" {
		t.Errorf("DescribeInstanceAttribute: %+v, %v", r, err)
	}
	untag := kvstore.CreateUntagResourcesRequest()
	untag.ResourceType, untag.ResourceId, untag.TagKey = "INSTANCE", &[]string{id}, &[]string{"a"}
	if _, err := w.sdk.UntagResources(untag); err != nil || len(w.instance().Tags) != 0 {
		t.Errorf("UntagResources leaves %v, %v", w.instance().Tags, err)
	}
	list := kvstore.CreateDescribeInstancesRequest()
	list.RegionId = "cn-hangzhou"
	list.PageSize, list.PageNumber = requests.NewInteger(4), requests.NewInteger(2)
	if r, err := w.sdk.DescribeInstances(list); err != nil || r.TotalCount != 6 || len(r.Instances.KVStoreInstance) != 2 || r.Instances.KVStoreInstance[1].InstanceId != "tt-bp1zxszhcgatnx05" {
		t.Errorf("DescribeInstances: %+v, %v", r, err)
	}
	tasks := kvstore.CreateDescribeActiveOperationTasksRequest()
	i := w.instance()
	i.ActiveOperationTasks = []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", Status: 3}}
	if err := w.Put(i); err != nil {
		t.Fatal(err)
	}
	tasks.TaskType = "rds_apsaradb_ssl_update"
	if r, err := w.sdk.DescribeActiveOperationTasks(tasks); err != nil || len(r.Items) != 1 || r.Items[0].InsName != id {
		t.Errorf("DescribeActiveOperationTasks: %+v, %v", r, err)
	}
}

func TestFaults(t *testing.T) {
	for kind, want := range map[string]struct {
		restarts int
		says     string
	}{
		"throttle": {0, "400 Throttling.User"}, "server_error": {0, "500 InternalError"}, "server_error_after": {1, "500 InternalError"},
		"cut_before": {0, "EOF"}, "cut_after": {1, "EOF"}, "malformed": {1, "JsonUnmarshal"},
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			if err := w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: kind, Times: 1}); err != nil {
				t.Fatal(err)
			}
			if err := w.modify("Update"); err == nil || !strings.Contains(codeOf(err)+err.Error(), want.says) {
				t.Errorf("the call fails with %v, want %s", err, want.says)
			}
			if got := w.instance().Restarts; got != want.restarts {
				t.Errorf("%d restarts, want %d", got, want.restarts)
			}
			if err := w.modify("Update"); err != nil {
				t.Errorf("the fault goes on: %v", err)
			}
		})
	}
	w := newWorld(t)
	for _, bad := range []tairtest.Fault{{Action: "Nothing", Kind: "slow", Times: 1}, {Kind: "odd", Times: 1}, {Kind: "slow", Times: -1}} {
		if w.Fault(bad) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	_ = w.Fault(tairtest.Fault{Kind: "slow", Times: 3})
	_ = w.Fault(tairtest.Fault{Kind: "slow", Times: 0})
	if err := w.modify("Update"); err != nil {
		t.Errorf("a fault that was cleared strikes: %v", err)
	}
}

// signed sends parameters as a client in any language would.
func (w *world) signed(method string, inForm bool, change func(url.Values)) (status int, code string) {
	w.t.Helper()
	p := url.Values{"Action": {"DescribeInstanceSSL"}, "Version": {"2015-01-01"}, "Format": {"JSON"}, "InstanceId": {id},
		"AccessKeyId": {"emulator"}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SecurityToken": {"a b*~+/="},
		"SignatureNonce": {fmt.Sprint(time.Now().UnixNano())}, "Timestamp": {w.Now().UTC().Format("2006-01-02T15:04:05Z")}}
	change(p)
	if !p.Has("Signature") { // a scenario may bring its own
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
	w.Advance(1000 * time.Hour) // does not age requests
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

func TestControls(t *testing.T) {
	w := newWorld(t)
	post := func(path, body string) (int, string) {
		resp, err := http.Post(w.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	if status, text := post("/emulator/instances", `{"InstanceId":"r-new","SSLExpiredTime":"2027-01-01T00:00:00Z","Tags":{"a":"b"}}`); status != 200 || !strings.Contains(text, `"r-new"`) {
		t.Errorf("adding an instance is answered %d %s", status, text)
	}
	if i, ok := w.Instance("r-new"); !ok || i.RegionID != "cn-hangzhou" || i.CertCommonName != "r-new.redis.rds.aliyuncs.com" || i.MaintainStartTime != "18:00Z" || i.DataPlane == "" {
		t.Errorf("the defaults are %+v", i)
	}
	before := w.Now()
	if status, _ := post("/emulator/clock", `{"Advance":"1h"}`); status != 200 || w.Now().Sub(before) != time.Hour {
		t.Errorf("the clock moved by %s, answered %d", w.Now().Sub(before), status)
	}
	if status, text := post("/emulator/faults", `{"Action":"ModifyInstanceSSL","Kind":"throttle"}`); status != 200 || !strings.Contains(text, `"Times":1`) {
		t.Errorf("a fault is answered %d %s", status, text)
	}
	for path, bodies := range map[string][]string{
		"/emulator/instances": {``, `{}`, `{"InstanceId":"r-x","Colour":"red"}`, `{"InstanceId":"r-x","SSLEnabled":"Maybe"}`, `{"InstanceId":"r-x","SSLExpiredTime":"soon"}`, `{"InstanceId":"r-x","MaintainEndTime":"26:00Z"}`, `[`},
		"/emulator/clock":     {``, `{"Advance":"tomorrow"}`, `{"Back":"1h"}`},
		"/emulator/faults":    {`{"Action":"X","Kind":"slow"}`, `{"Kind":"odd"}`, `{"Kind":"slow","Times":-1}`, `{"Kind":"slow","Times":"x"}`},
	} {
		for _, body := range bodies {
			if status, text := post(path, body); status != 400 || !strings.Contains(text, "Error") {
				t.Errorf("%s %s is answered %d %s", path, body, status, text)
			}
		}
	}
	resp, err := http.Get(w.url + "/emulator/instances")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var fleet []map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&fleet); err != nil || len(fleet) != 8 || fleet[0]["Restarts"] != 0.0 || fleet[0]["Tags"] == nil {
		t.Errorf("the fleet reads %v, %v", fleet, err)
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

func FuzzServeHTTP(f *testing.F) {
	e, err := tairtest.New(tairtest.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close() })
	if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
		f.Fatal(err)
	}
	f.Add("POST", "Action=ModifyInstanceSSL&Version=2015-01-01&InstanceId="+id, "SSLEnabled=Update")
	f.Add("GET", "Action=TagResources&Version=2015-01-01&AccessKeyId=emulator&Signature=x", "")
	f.Add("PUT", "%zz", "")
	before := e.Instances()
	f.Fuzz(func(t *testing.T, method, query, body string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: "/", RawQuery: query}, Host: "h", Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if !reflect.DeepEqual(e.Instances(), before) {
			t.Fatalf("%s %q %q changed an instance without a good signature", method, query, body)
		}
		if w.Code == http.StatusOK {
			t.Fatalf("%s %q %q is answered 200 without a good signature", method, query, body)
		}
	})
}
