package tairtest

import "net/url"

// Sign signs the parameters of a request. No parameter may have two values.
func Sign(secret, method string, values url.Values) string {
	p := map[string]string{}
	for key := range values {
		p[key] = values.Get(key)
	}
	return sign(secret, stringToSign(method, p))
}
