package tair_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// The chain of an emulated instance is at the endpoint of the settings.
func TestTheCAChainIsDownloaded(t *testing.T) {
	e, url := tairtest.Start(t, tairtest.Options{}, tairtest.Instance{InstanceID: ref.InstanceID})
	endpoint, err := tair.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	client := tair.New(static(tair.Credential{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}), tair.Options{Endpoint: endpoint, Rate: -1})
	defer client.Close()
	ssl, err := client.SSL(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := client.CAChain(t.Context(), ref.RegionID, ssl.CertDownloadURL)
	if err != nil || string(chain.PEM()) != string(e.CAPEM()) {
		t.Errorf("the chain is %q, %v", chain.PEM(), err)
	}
	fingerprint, err := client.CAFingerprint(t.Context(), ref.RegionID, ssl.CertDownloadURL)
	if err != nil || fingerprint != chain.Fingerprint() {
		t.Errorf("its fingerprint is %q, %v, want %q", fingerprint, err, chain.Fingerprint())
	}
}

// Whatever URL the API returns, only Alibaba's hosts are asked, and only by https.
func TestOnlyAlibabasHostsAreAskedForTheCAChain(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	client := clientOf(t, "https://r-kvstore.{region}.example.com")
	for from, says := range map[string]string{
		"":                                  "gives no URL",
		"chain.zip":                         "cannot be read",
		"https://%zz":                       "cannot be read",
		"https:///chain.zip":                "cannot be read",
		"https://u:p@oss.aliyuncs.com/a":    "cannot be read",
		"http://oss.aliyuncs.com/a":         "not https",
		"ftp://oss.aliyuncs.com/a":          "not https",
		"file:///etc/passwd":                "cannot be read",
		server.URL + "/a?Signature=hunter2": "not https",
		"https://example.com/a":             "not one of Alibaba's hosts",
		"https://aliyuncs.com.example.com/": "not one of Alibaba's hosts",
		"https://169.254.169.254/latest":    "not one of Alibaba's hosts",
		"https://oss.aliyuncs.com:8443/a":   "not one of Alibaba's hosts",
		"https://r-kvstore.cn-beijing.example.com/chain.zip": "not one of Alibaba's hosts", // the endpoint of another region
		"https://r-kvstore.{region}.example.com/chain.zip":   "cannot be read",
	} {
		_, err := client.CAChain(t.Context(), ref.RegionID, from)
		if !errors.Is(err, handler.Unsupported) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q fails with %v, want unsupported and %q", from, err, says)
		}
	}
	if asked > 0 {
		t.Errorf("a stranger's host was asked %d times", asked)
	}
}

// The error of a failed download has the reason and nothing of the URL, which is signed.
func TestADownloadThatFailsSaysWhy(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		tries int
		says  string
	}{
		"not found":      {answer(404, "no"), 1, "status 404"},
		"not allowed":    {answer(403, "no"), 1, "status 403"},
		"a redirect":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }, 1, "a redirect, which is not followed"},
		"trouble":        {answer(500, "no"), 4, "status 500"},
		"too busy":       {answer(429, "no"), 4, "status 429"},
		"cut":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 4, "cannot download the CA chain"},
		"a page":         {answer(200, "<html>"), 1, ": it holds no certificate"},
		"far too much":   {answer(200, strings.Repeat("x", 2<<20)), 1, "larger than 1024 KiB"},
		"without an end": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") }, 4, "cannot download the CA chain"},
	} {
		tries := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tries++; test.serve(w, r) }))
		_, err := clientOf(t, server.URL).CAChain(t.Context(), ref.RegionID, server.URL+"/a.zip?Signature=hunter2")
		server.Close()
		if !errors.Is(err, handler.Unavailable) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: it fails with %v, want unavailable and %q", name, err, test.says)
		}
		if tries != test.tries {
			t.Errorf("%s: it was tried %d times, want %d", name, tries, test.tries)
		}
	}
	if elsewhere > 0 {
		t.Errorf("a redirect was followed %d times", elsewhere)
	}
}

// A server that never answers does not hold up the caller after its deadline.
func TestADownloadEndsWithItsContext(t *testing.T) {
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(gone) }))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := clientOf(t, server.URL).CAChain(ctx, ref.RegionID, server.URL+"/a.zip?Signature=hunter2")
	if !errors.Is(err, handler.Unavailable) || !strings.Contains(err.Error(), "no answer in time") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("it fails with %v", err)
	}
	<-gone
}
