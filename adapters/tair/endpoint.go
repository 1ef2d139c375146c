package tair

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Endpoint chooses the hosts of Alibaba's APIs. The zero value means the public hosts.
type Endpoint struct {
	scheme, host string // host may hold {region}
	vpc          bool
}

// VPC is the setting for the hosts inside Alibaba's own network.
const VPC = "vpc"

// ParseEndpoint reads a setting. "" means the public hosts and "vpc" the hosts inside a
// VPC. Otherwise the setting is a URL such as https://r-kvstore.{region}.aliyuncs.com, in
// which {region} stands for the region's id. Plain http is accepted for this machine only,
// because every request carries a credential.
func ParseEndpoint(s string) (Endpoint, error) {
	switch s {
	case "":
		return Endpoint{}, nil
	case VPC:
		return Endpoint{vpc: true}, nil
	}
	u, err := ParseURL(strings.ReplaceAll(s, "{region}", "region"))
	if err != nil {
		return Endpoint{}, err
	}
	_, host, _ := strings.Cut(s, "://")
	return Endpoint{scheme: strings.ToUpper(u.Scheme), host: strings.TrimRight(host, "/")}, nil
}

// ParseURL reads the URL of an API that receives credentials. The URL has a scheme and a
// host only. Plain http is accepted for this machine only.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		// The value is not quoted: a URL may hold a password.
		return nil, errors.New("want a URL of scheme and host only, such as https://api.example.com")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "http":
		return nil, fmt.Errorf("http:// would send credentials to %s in the clear; use https://", u.Host)
	default:
		return nil, fmt.Errorf("scheme %q is neither https nor http", u.Scheme)
	}
	return u, nil
}

// UnmarshalText reads a setting with [ParseEndpoint].
func (e *Endpoint) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEndpoint(string(text))
	return err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// resolve returns the scheme, in the SDK's upper case, and the host of a region's OpenAPI.
// A region that only the operator's setting names gets a host name by the rule of
// [Endpoint.of].
func (e Endpoint) resolve(region string) (scheme, host string) {
	place, known := placeOf(region)
	switch {
	case !known || e.host != "":
		return e.of("r-kvstore", region)
	case e.vpc:
		return "HTTPS", place.vpc
	}
	return "HTTPS", place.public
}

// URL is the URL of a region's OpenAPI.
func (e Endpoint) URL(region string) string {
	scheme, host := e.resolve(region)
	return strings.ToLower(scheme) + "://" + host
}

// of returns the scheme and the host of a product in a region.
func (e Endpoint) of(product, region string) (scheme, host string) {
	switch {
	case e.host != "":
		return e.scheme, strings.ReplaceAll(e.host, "{region}", region)
	case e.vpc:
		product += "-vpc"
	}
	return "HTTPS", product + "." + region + ".aliyuncs.com"
}
