package tairtest_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

func (w *world) answered(p url.Values) string {
	w.t.Helper()
	resp, body, err := w.send(context.Background(), newClient(w.t, nil), w.url, p)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, code := range []string{"Forbidden.RAM", "InvalidInstanceId.NotFound"} {
		if strings.Contains(string(body), code) {
			return code
		}
	}
	return resp.Status
}

// The policy is policy.json of this repository, which operators attach.
func TestThePolicyOfTheRepositoryIsAskedFirst(t *testing.T) {
	w := newWorld(t)
	document, err := os.ReadFile("../policy.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Policy(document); err != nil {
		t.Fatal(err)
	}
	modify := func(id, action string) url.Values {
		return url.Values{"Action": {"ModifyInstanceSSL"}, "RegionId": {"cn-hangzhou"}, "InstanceId": {id}, "SSLEnabled": {action}}
	}
	for _, c := range []struct {
		what string
		call url.Values
		want string
	}{
		{"an Update of a named instance", modify(id, "Update"), "200 OK"},
		{"a Disable of it", modify(id, "Disable"), "Forbidden.RAM"},
		{"an Update of an instance that is not named", modify("r-bp1zxszhcgatnx04", "Update"), "Forbidden.RAM"},
		{"an Update of an instance that is not there", modify("r-gonegone", "Update"), "Forbidden.RAM"},
		{"a listing", url.Values{"Action": {"DescribeInstances"}, "RegionId": {"cn-hangzhou"}}, "200 OK"},
		{"a read of an instance that is not there", url.Values{"Action": {"DescribeInstanceSSL"}, "RegionId": {"cn-hangzhou"}, "InstanceId": {"r-gonegone"}}, "InvalidInstanceId.NotFound"},
		{"a tag on a named and on another instance", url.Values{"Action": {"TagResources"}, "RegionId": {"cn-hangzhou"}, "ResourceType": {"INSTANCE"},
			"ResourceId.1": {id}, "ResourceId.2": {"r-bp1zxszhcgatnx04"}, "Tag.1.Key": {"a"}, "Tag.1.Value": {"b"}}, "Forbidden.RAM"},
	} {
		if got := w.answered(c.call); got != c.want {
			t.Errorf("%s is answered %s, want %s", c.what, got, c.want)
		}
	}
	if got := w.instance().Restarts; got != 1 {
		t.Errorf("one Update was allowed and %d restarts are counted", got)
	}
}

func TestADenyWinsAndABadPolicyIsRefused(t *testing.T) {
	w := newWorld(t)
	if err := w.Policy([]byte(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:*","Resource":"*"},{"Effect":"Deny","Action":"kvstore:Modify*","Resource":"*"}]}`)); err != nil {
		t.Fatal(err)
	}
	if got := codeOf(w.modify("Update")); got != "403 Forbidden.RAM" || w.instance().Restarts != 0 {
		t.Errorf("a denied call is answered %s, with %d restarts", got, w.instance().Restarts)
	}
	for _, bad := range []string{``, `{}`, `{"Version":"2"}`, `{"Version":"1","Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}`, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*"}]}`,
		`{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}]}`} {
		if err := w.Policy([]byte(bad)); err == nil {
			t.Errorf("%s is accepted as a policy", bad)
		}
	}
	resp, err := http.Post(w.url+"/emulator/policy", "application/json", strings.NewReader(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if err := w.modify("Update"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("with a new policy, answered %d, an Update ends in %v", resp.StatusCode, err)
	}
}

func TestGetCallerIdentityOfTheSTS(t *testing.T) {
	w := newWorld(t)
	if err := w.Policy([]byte(`{"Version":"1","Statement":[]}`)); err != nil {
		t.Fatal(err)
	}
	_, body, err := w.send(context.Background(), newClient(t, nil), w.url, url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2015-04-01"}})
	if err != nil || !strings.Contains(string(body), "acs:ram::1234567890123456:user/emulator") {
		t.Errorf("GetCallerIdentity is answered %s, %v", body, err)
	}
}

// Tags become visible late. The header Date follows the emulated clock, by which callers
// judge the age of tags.
func TestTagsThatShowLateAndAnotherClock(t *testing.T) {
	now := time.Now().Add(-10 * time.Minute)
	e, err := tairtest.New(tairtest.Options{Now: func() time.Time { return now }, TagLag: 3 * time.Second, ExistenceFirst: true})
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
	t.Cleanup(func() { _ = e.Close() })
	w := &world{Emulator: e, t: t, url: base}
	set := func(value string) {
		if got := w.answered(url.Values{"Action": {"TagResources"}, "RegionId": {"cn-hangzhou"}, "ResourceType": {"INSTANCE"}, "ResourceId.1": {id}, "Tag.1.Key": {"colour"}, "Tag.1.Value": {value}}); got != "200 OK" {
			t.Fatalf("tagging is answered %s", got)
		}
	}
	shows := func() string {
		resp, body, err := w.send(context.Background(), newClient(t, nil), base, url.Values{"Action": {"DescribeInstanceAttribute"}, "RegionId": {"cn-hangzhou"}, "InstanceId": {id}})
		if err != nil {
			t.Fatal(err)
		}
		if date := resp.Header.Get("Date"); date != e.Now().UTC().Format(http.TimeFormat) {
			t.Errorf("the answer's Date is %s", date)
		}
		for _, colour := range []string{"crimson", "blue"} {
			if strings.Contains(string(body), colour) {
				return colour
			}
		}
		return ""
	}
	set("crimson")
	e.Advance(2 * time.Second)
	set("blue")
	if got := shows(); got != "" {
		t.Errorf("before its time the tag shows as %q", got)
	}
	e.Advance(time.Second)
	if got := shows(); got != "crimson" {
		t.Errorf("after the lag the tag shows as %q", got)
	}
	e.Advance(2 * time.Second)
	if got := shows(); got != "blue" {
		t.Errorf("the second value shows as %q", got)
	}
	if err := e.Policy([]byte(`{"Version":"1","Statement":[]}`)); err != nil {
		t.Fatal(err)
	}
	for instance, want := range map[string]string{id: "Forbidden.RAM", "r-gonegone": "InvalidInstanceId.NotFound"} {
		if got := w.answered(url.Values{"Action": {"DescribeInstanceSSL"}, "RegionId": {"cn-hangzhou"}, "InstanceId": {instance}}); got != want {
			t.Errorf("where the instance is looked for first, %s is answered %s, want %s", instance, got, want)
		}
	}
}
