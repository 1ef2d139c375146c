package tairtest

import "net/url"

// Sign signs a request's parameters, none of which is given twice.
func Sign(secret, method string, values url.Values) string {
	p := map[string]string{}
	for key := range values {
		p[key] = values.Get(key)
	}
	return sign(secret, stringToSign(method, p))
}
