// Package cachain reads the CA chain that the clients of an instance have to trust.
// Alibaba offers the chain for download, either as an archive with several formats or as
// one PEM file. The package reads the PEM files only.
package cachain

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Chain holds the certificates of a download in their order, without duplicates. A chain
// from [Parse] is not empty.
type Chain []*x509.Certificate

// maxCertificates is the largest number of certificates in a chain.
const maxCertificates = 50

var errNoPEM = errors.New("it holds no certificate as PEM")

// Parse reads a download, which may be any data.
func Parse(data []byte) (Chain, error) {
	if !bytes.HasPrefix(data, []byte("PK")) {
		return parsePEM(data)
	}
	text, err := pemIn(data)
	if err != nil {
		return nil, err
	}
	return parsePEM(text)
}

func parsePEM(text []byte) (chain Chain, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return nil, errors.New("one of its certificates cannot be read")
		case slices.ContainsFunc(chain, certificate.Equal):
			continue
		case len(chain) == maxCertificates:
			return nil, fmt.Errorf("it holds more than %d certificates", maxCertificates)
		}
		chain = append(chain, certificate)
	}
	if chain == nil {
		return nil, errNoPEM
	}
	return chain, nil
}

// PEM returns the chain as the PEM file that clients read.
func (c Chain) PEM() (text []byte) {
	for _, certificate := range c {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return text
}

// Roots are the certificates that no other certificate of the chain has issued. A client's
// trust ends in them.
func (c Chain) Roots() (roots Chain) {
	for _, certificate := range c {
		issued := slices.ContainsFunc(c, func(other *x509.Certificate) bool {
			return other != certificate && bytes.Equal(other.RawSubject, certificate.RawIssuer)
		})
		if !issued || bytes.Equal(certificate.RawSubject, certificate.RawIssuer) {
			roots = append(roots, certificate)
		}
	}
	if roots == nil { // the certificates have issued each other
		return c
	}
	return roots
}

// Fingerprint identifies the CA. It is the [SHA256] of the root. If there are several
// roots, it is the SHA-256 of their fingerprints, sorted and joined by commas.
func (c Chain) Fingerprint() string {
	var all []string
	for _, root := range c.Roots() {
		all = append(all, SHA256(root))
	}
	if len(all) == 1 {
		return all[0]
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(all, ",")))
	return hex.EncodeToString(sum[:])
}

// SHA256 is the fingerprint of a certificate as openssl x509 -fingerprint -sha256 prints
// it, but in lower case and without colons.
func SHA256(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// Fingerprints is a setting: a comma-separated list of the values of [Chain.Fingerprint].
// The form of openssl, in upper case and with colons, is also accepted.
type Fingerprints []string

// UnmarshalText reads the list.
func (f *Fingerprints) UnmarshalText(text []byte) error {
	*f = nil
	for _, word := range strings.Split(string(text), ",") {
		word = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(word), ":", ""))
		if word == "" {
			continue
		}
		if sum, err := hex.DecodeString(word); err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("%.20q is not a SHA-256 fingerprint of 64 hexadecimal digits: tairssl ca prints the right one", word)
		}
		*f = append(*f, word)
	}
	return nil
}
