package tairtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// fleet returns an emulator of many instances, and a function that asks it for a page.
func fleet(tb testing.TB, size int) (*tairtest.Emulator, func(page string) *httptest.ResponseRecorder) {
	tb.Helper()
	e, err := tairtest.New(tairtest.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = e.Close() })
	all := make([]tairtest.Instance, size)
	for n := range all {
		all[n].InstanceID = fmt.Sprintf("r-many%06d", size-n)
	}
	if err := e.Put(all...); err != nil {
		tb.Fatal(err)
	}
	nonce := 0
	return e, func(page string) *httptest.ResponseRecorder {
		nonce++
		p := authentic(url.Values{"Action": {"DescribeInstances"}, "RegionId": {"cn-hangzhou"}, "PageSize": {"50"}, "PageNumber": {page}}, fmt.Sprint(nonce))
		p.Set("Signature", tairtest.Sign("emulator-secret", "GET", p))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest("GET", "/?"+p.Encode(), nil))
		return w
	}
}

// authentic adds the parameters that every call needs, except the signature.
func authentic(p url.Values, nonce string) url.Values {
	for key, value := range map[string]string{"Version": "2015-01-01", "AccessKeyId": "emulator", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": nonce, "Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z")} {
		p.Set(key, value)
	}
	return p
}

func TestAHundredThousandInstances(t *testing.T) {
	e, ask := fleet(t, 100_000)
	best := time.Hour
	for range 5 {
		began := time.Now()
		w := ask("2000")
		best = min(best, time.Since(began))
		if w.Code != http.StatusOK || len(w.Body.Bytes()) < 50*100 {
			t.Fatalf("the last page is answered %d with %d bytes", w.Code, w.Body.Len())
		}
	}
	// The race detector makes it several times slower. BenchmarkDescribeInstances has the
	// real time.
	if best > 100*time.Millisecond {
		t.Errorf("the last page of 100,000 instances takes %s", best)
	}
	first, _ := e.Instance("r-many000001")
	last, _ := e.Instance("r-many100000")
	if (first.DataPlane == "") == (last.DataPlane == "") {
		t.Errorf("the data planes of the first and last instance are %q and %q: only the first 1,000 put should have one", first.DataPlane, last.DataPlane)
	}
}

func BenchmarkDescribeInstances(b *testing.B) {
	_, ask := fleet(b, 100_000)
	for b.Loop() {
		ask("2000")
	}
}
