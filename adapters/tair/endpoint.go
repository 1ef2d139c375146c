package tair

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"
)

// Endpoint says where the OpenAPI of a region is. The zero value is the public
// one.
type Endpoint struct{ scheme, host string } // host may hold {region}

// VPC is the endpoint inside Alibaba's own network.
const VPC = "vpc"

// ParseEndpoint reads a setting: "" for the public endpoints, "vpc" for those
// inside a VPC, or a URL such as https://r-kvstore.{region}.aliyuncs.com in
// which {region} becomes the region's id. Plain http is taken for this machine
// only, since every request carries a credential.
func ParseEndpoint(s string) (Endpoint, error) {
	switch s {
	case "":
		return Endpoint{}, nil
	case VPC:
		return Endpoint{"HTTPS", "r-kvstore-vpc.{region}.aliyuncs.com"}, nil
	}
	u, err := url.Parse(strings.ReplaceAll(s, "{region}", "region"))
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		// The value is not quoted: a URL may hold a password.
		return Endpoint{}, errors.New("want a URL of scheme and host only, such as https://r-kvstore.aliyuncs.com, or vpc")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "http":
		return Endpoint{}, fmt.Errorf("http:// would send credentials to %s in the clear; use https://", u.Host)
	default:
		return Endpoint{}, fmt.Errorf("scheme %q is neither https nor http", u.Scheme)
	}
	_, host, _ := strings.Cut(s, "://")
	return Endpoint{strings.ToUpper(u.Scheme), strings.TrimRight(host, "/")}, nil
}

// UnmarshalText reads a setting by [ParseEndpoint].
func (e *Endpoint) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEndpoint(string(text))
	return err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// central are the regions served by the one endpoint without a region in its
// name. The SDK makes its table on first use without a lock, so it is asked once.
var central = sync.OnceValue(kvstore.GetEndpointMap)

// resolve gives the scheme, as the SDK wants it, and the host of a region.
func (e Endpoint) resolve(region string) (scheme, host string) {
	if e.host != "" {
		return e.scheme, strings.ReplaceAll(e.host, "{region}", region)
	}
	if host := central()[region]; host != "" {
		return "HTTPS", host
	}
	return "HTTPS", "r-kvstore." + region + ".aliyuncs.com"
}
