package tair

import (
	"strings"
	"testing"
)

func TestEndpoint(t *testing.T) {
	for _, test := range []struct{ setting, region, scheme, host string }{
		{"", "cn-hangzhou", "HTTPS", "r-kvstore.aliyuncs.com"},
		{"", "ap-southeast-1", "HTTPS", "r-kvstore.ap-southeast-1.aliyuncs.com"},
		{"", "cn-hongkong", "HTTPS", "r-kvstore.cn-hongkong.aliyuncs.com"},
		{"vpc", "cn-hangzhou", "HTTPS", "r-kvstore-vpc.cn-hangzhou.aliyuncs.com"},
		{"https://proxy.example.com:8443/", "cn-hangzhou", "HTTPS", "proxy.example.com:8443"},
		{"https://r-kvstore.{region}.example.com", "us-west-1", "HTTPS", "r-kvstore.us-west-1.example.com"},
		{"http://127.0.0.1:8080", "cn-hangzhou", "HTTP", "127.0.0.1:8080"},
		{"http://[::1]:8080", "cn-hangzhou", "HTTP", "[::1]:8080"},
		{"http://localhost:8080", "cn-hangzhou", "HTTP", "localhost:8080"},
	} {
		endpoint, err := ParseEndpoint(test.setting)
		if err != nil {
			t.Errorf("%q is refused: %v", test.setting, err)
			continue
		}
		if scheme, host := endpoint.resolve(test.region); scheme != test.scheme || host != test.host {
			t.Errorf("%q in %s is %s %s, want %s %s", test.setting, test.region, scheme, host, test.scheme, test.host)
		}
	}
	for _, bad := range []string{
		"r-kvstore.aliyuncs.com", "http://r-kvstore.aliyuncs.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1",
		"https://", "https://user:password@example.com", "https://example.com/path", "https://example.com/?a=b", "https://example.com/#a", "://",
	} {
		if endpoint, err := ParseEndpoint(bad); err == nil {
			t.Errorf("%q was accepted as %v", bad, endpoint)
		}
	}
}

func TestEndpointOfSTS(t *testing.T) {
	for setting, want := range map[string]string{
		"": "sts.cn-hangzhou.aliyuncs.com", "vpc": "sts-vpc.cn-hangzhou.aliyuncs.com", "https://sts.{region}.example.com": "sts.cn-hangzhou.example.com",
	} {
		endpoint, err := ParseEndpoint(setting)
		if _, host := endpoint.of("sts", "cn-hangzhou"); err != nil || host != want {
			t.Errorf("%q is %s, %v; want %s", setting, host, err, want)
		}
	}
}

func TestEndpointOfFunctionCompute(t *testing.T) {
	for endpoint, want := range map[string]string{
		"":                        "https fcv3.cn-hangzhou.aliyuncs.com 443 fcv3.cn-hangzhou.aliyuncs.com",
		"https://fc.example.com/": "https fc.example.com 443 fc.example.com",
		"http://127.0.0.1:8080":   "http 127.0.0.1 8080 127.0.0.1:8080",
		"https://[::1]:8443":      "https [::1] 8443 [::1]:8443",
		"http://localhost":        "http localhost 80 localhost",
	} {
		r, err := InvokeOptions{Region: "cn-hangzhou", Function: "f", Endpoint: endpoint}.request(nil)
		if err != nil {
			t.Errorf("%q is refused: %v", endpoint, err)
			continue
		}
		if got := strings.Join([]string{r.Scheme, r.Domain, r.Port, r.Headers["Host"]}, " "); got != want {
			t.Errorf("%q is %s, want %s", endpoint, got, want)
		}
	}
}
