package tairtest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
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

// world is an emulator on loopback with the SDK's own client for it.
type world struct {
	*tairtest.Emulator
	t      *testing.T
	url    string
	sdk    *kvstore.Client
	client *http.Client // for calls without the SDK
}

// nonces numbers the calls without the SDK.
var nonces atomic.Int64

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, tairtest.Options{}, tairtest.SampleFleet(time.Now())...)
}

func newWorldOf(t *testing.T, o tairtest.Options, fleet ...tairtest.Instance) *world {
	t.Helper()
	if o.Now == nil {
		// The machine's clock stands still, so only Advance moves the instances.
		now := time.Now()
		o.Now = func() time.Time { return now }
	}
	e, err := tairtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Put(fleet...); err != nil {
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
	return &world{e, t, base, client, newClient(t, nil)}
}

func (w *world) modify(action string) error {
	r := kvstore.CreateModifyInstanceSSLRequest()
	r.InstanceId, r.SSLEnabled = id, action
	resp, err := w.sdk.ModifyInstanceSSL(r)
	if err == nil && (resp.InstanceId != id || resp.TaskId == "" || len(resp.RequestId) != 36) {
		w.t.Errorf("the answer lacks documented fields: %+v", resp)
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
		t.Errorf("right after its acceptance the change already shows: %+v", i)
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

// redis connects to the data plane and sends a PING.
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
	list.PageSize, list.PageNumber = requests.NewInteger(4), requests.NewInteger(3)
	if r, err := w.sdk.DescribeInstances(list); err != nil || r.TotalCount != 10 || len(r.Instances.KVStoreInstance) != 2 || r.Instances.KVStoreInstance[0].InstanceId != "tt-bp1zxszhcgatnx05" {
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
