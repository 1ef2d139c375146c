// Package cachain reads the CA chain that clients of an instance have to trust,
// as Alibaba gives it to download: an archive with the chain in several formats,
// of which the PEM is taken, or that PEM alone.
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

// Chain is the certificates of a download, in its order, each once. One that
// [Parse] gives is not empty.
type Chain []*x509.Certificate

// maxCertificates is how many certificates a chain may have.
const maxCertificates = 50

var errNoPEM = errors.New("it holds no certificate as PEM")

// Parse reads a download, which may be anything: see archive.go for what an
// archive may hold.
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

// PEM is the chain as a file that clients read.
func (c Chain) PEM() (text []byte) {
	for _, certificate := range c {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return text
}

// Roots are the certificates that no other one of the chain has issued: what a
// client trusts in the end.
func (c Chain) Roots() (roots Chain) {
	for _, certificate := range c {
		issued := slices.ContainsFunc(c, func(other *x509.Certificate) bool {
			return other != certificate && bytes.Equal(other.RawSubject, certificate.RawIssuer)
		})
		if !issued || bytes.Equal(certificate.RawSubject, certificate.RawIssuer) {
			roots = append(roots, certificate)
		}
	}
	if roots == nil { // they have issued each other
		return c
	}
	return roots
}

// Fingerprint tells one CA from another: it is the [SHA256] of the root. Of
// several roots it is that of their own, sorted and joined by commas.
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

// SHA256 is the fingerprint of a certificate, as openssl x509 -fingerprint -sha256
// gives it, in lower case and without colons.
func SHA256(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// Fingerprints is a setting: a comma-separated list of [Chain.Fingerprint]s. They
// may be written as openssl writes them.
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
			return fmt.Errorf("%.20q is no SHA-256 fingerprint, which has 64 hexadecimal digits: tairssl ca prints it", word)
		}
		*f = append(*f, word)
	}
	return nil
}
