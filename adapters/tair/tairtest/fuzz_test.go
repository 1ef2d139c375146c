package tairtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

func FuzzServeHTTP(f *testing.F) {
	e := tairtest.Emulate(f, tairtest.Options{}, tairtest.SampleFleet(time.Now())...)
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

// Every authentic call is answered as documented. Only the actions that change something
// change something.
func FuzzAnAuthenticCall(f *testing.F) {
	e := tairtest.Emulate(f, tairtest.Options{NoQuotas: true, Central: true})
	f.Add("ModifyInstanceSSL", "SSLEnabled=Update&RegionId=cn-hangzhou&InstanceId="+id, "127.0.0.1")
	f.Add("TagResources", "RegionId=cn-hangzhou&ResourceType=INSTANCE&ResourceId.1="+id+"&Tag.1.Key=a&Tag.1.Value=b", "r-kvstore.aliyuncs.com")
	f.Add("UntagResources", "RegionId=cn-hangzhou&ResourceType=INSTANCE&ResourceId.1="+id+"&All=true", "")
	f.Add("DescribeInstances", "PageSize=50&PageNumber=1048576&InstanceIds=a,b&SearchKey=x&Tag.1.Key=env", "r-kvstore-vpc.cn-beijing.aliyuncs.com:443")
	f.Add("DescribeActiveOperationTasks", "Region=all&Status=3", "[::1]:80")
	f.Add("ListTagResources", "RegionId=cn-shanghai&ResourceType=x&ResourceId.1=&Tag.1.Key=%ff", "h")
	f.Fuzz(func(t *testing.T, action, query, host string) {
		p, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil { // undo the changes
			t.Fatal(err)
		}
		before := e.Instances()
		p.Set("Action", action)
		p = authentic(p, fmt.Sprint("fuzz ", nonces.Add(1)))
		p.Set("Signature", tairtest.Sign("emulator-secret", "GET", p))
		r := &http.Request{Method: "GET", URL: &url.URL{Path: "/", RawQuery: p.Encode()}, Host: host, Header: http.Header{}}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		var answer struct{ RequestId, Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.RequestId == "" || (w.Code == 200) != (answer.Code == "") || w.Code >= 500 {
			t.Fatalf("%s %q is answered %d %s", action, query, w.Code, w.Body)
		}
		changes := action == "ModifyInstanceSSL" || action == "TagResources" || action == "UntagResources"
		if (!changes || w.Code != 200) && !reflect.DeepEqual(e.Instances(), before) {
			t.Fatalf("%s %q, answered %d, changed an instance", action, query, w.Code)
		}
	})
}

// A fleet that was read can be written and read again without a change.
func FuzzDecodeInstances(f *testing.F) {
	f.Add([]byte(`{"InstanceId":"r-a"}`))
	f.Add([]byte(`[{"InstanceId":"r-a","InstanceName":"orders","Tags":{"a":"b"}},{"InstanceId":"m","InstanceType":"Memcache"}]`))
	f.Add([]byte(`{"InstanceId":"r-a","NoTLS":true,"EngineVersion":"4.0","GlobalInstanceId":"gr-a","Restarts":3,"Changes":["x"]}`))
	f.Add([]byte(`[{"instanceid":"r-a","SSLEnabled":"Disable","ActiveOperationTasks":[{"TaskType":"t","Deadline":"2026-12-01T00:00:00Z"}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fleet, err := tairtest.DecodeInstances(data)
		if err != nil {
			t.Skip()
		}
		told, err := json.Marshal(fleet)
		if err != nil {
			t.Fatal(err)
		}
		again, err := tairtest.DecodeInstances(told)
		if err != nil {
			t.Fatalf("%s was read and written as %s, which is unreadable: %v", data, told, err)
		}
		if twice, _ := json.Marshal(again); string(twice) != string(told) {
			t.Fatalf("%s is written as %s and then as %s", data, told, twice)
		}
	})
}
