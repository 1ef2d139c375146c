package function

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"tairssl/adapters/chatops"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Secret is a setting whose value appears in no log or text.
type Secret = chatops.Secret

// Regions is a list of region ids.
type Regions []string

// UnmarshalText reads a comma-separated list.
func (r *Regions) UnmarshalText(text []byte) (err error) {
	*r, err = list(text, func(word string) (string, error) {
		if !handler.ValidRegion(word) {
			return "", fmt.Errorf("%q is not a region id such as cn-hangzhou", handler.Clip(word))
		}
		return word, nil
	})
	return err
}

// Actions is a list of changes that are allowed.
type Actions []handler.Action

// UnmarshalText reads a comma-separated list.
func (a *Actions) UnmarshalText(text []byte) (err error) {
	*a, err = list(text, func(word string) (handler.Action, error) {
		action := handler.Action(word)
		if !slices.Contains([]handler.Action{handler.Update, handler.Enable, handler.Disable}, action) {
			return "", fmt.Errorf("%q is none of Update, Enable, Disable", handler.Clip(word))
		}
		return action, nil
	})
	return err
}

// Globs is a list of patterns of instance ids. A pattern that begins with "!"
// excludes the instances that it matches.
type Globs []string

// UnmarshalText reads a comma-separated list.
func (g *Globs) UnmarshalText(text []byte) (err error) {
	*g, err = list(text, func(word string) (string, error) {
		if _, err := path.Match(strings.TrimPrefix(word, "!"), ""); err != nil || word == "" {
			return "", fmt.Errorf("%q is not a glob", handler.Clip(word))
		}
		return word, nil
	})
	return err
}

// Hosts is a list of host names in lower case. Each may have a port.
type Hosts []string

// UnmarshalText reads a comma-separated list.
func (h *Hosts) UnmarshalText(text []byte) (err error) {
	*h, err = list(text, func(word string) (string, error) {
		host := strings.ToLower(word)
		if !hostPattern().MatchString(host) {
			return "", fmt.Errorf("%q is not a host name", handler.Clip(word))
		}
		return host, nil
	})
	return err
}

var hostPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
})

// list reads the entries of a comma-separated list. The error names every bad entry.
func list[T any](text []byte, read func(word string) (T, error)) (all []T, err error) {
	var faults []error
	for word := range strings.SplitSeq(string(text), ",") {
		entry, err := read(strings.TrimSpace(word))
		all, faults = append(all, entry), append(faults, err)
	}
	return all, errors.Join(faults...)
}

// Audience is the intended receiver of an identity token.
type Audience string

// UnmarshalText takes one audience.
func (a *Audience) UnmarshalText(text []byte) error {
	if *a = Audience(text); len(*a) > 1000 || strings.ContainsFunc(string(*a), unicode.IsSpace) {
		return errors.New("want one audience, of at most 1000 characters without spaces")
	}
	return nil
}

// RootCAs are the certificate authorities of a file, and the system's. The zero value
// means only the system's.
type RootCAs struct{ pool *x509.CertPool }

// UnmarshalText reads the file of PEM certificates that text names.
func (r *RootCAs) UnmarshalText(text []byte) error {
	file := string(text)
	pem, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no PEM certificate", file)
	}
	r.pool = pool
	return nil
}

// Roots are the certificate authorities to trust: the authorities in CA_FILE and those of
// the system. nil means only those of the system.
func (s Settings) Roots() *x509.CertPool { return s.CAFile.pool }

// URL is the scheme and the host of an API to which credentials are sent.
type URL struct{ *url.URL }

// UnmarshalText reads a URL by [tair.ParseURL].
func (u *URL) UnmarshalText(text []byte) (err error) {
	u.URL, err = tair.ParseURL(string(text))
	return err
}

// Verify says what proves that a change has taken effect.
type Verify string

// The values of Verify.
const (
	VerifyAPI Verify = "api" // the API reports the new state
	VerifyTLS Verify = "tls" // a TLS handshake with the instance shows it, too
)
