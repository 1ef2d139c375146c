package cachain_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/cachain"
)

// issued is a certificate with its key.
type issued struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes a certificate with a name. The issuer by signs it. Without an issuer the
// certificate signs itself.
func issue(t testing.TB, name string, by *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(1.7e9, 0), NotAfter: time.Unix(2e9, 0),
	}
	self := &issued{template, key}
	if by == nil {
		by = self
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if self.Certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return self
}

func (c *issued) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func (c *issued) sum() string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// file is a file of an archive.
type file struct {
	name, content string
	method        uint16
	mode          fs.FileMode
}

func archive(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestSpeed) })
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: f.method}
		if f.mode != 0 {
			h.SetMode(f.mode)
		}
		entry, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(entry, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// names are the subjects of a chain.
func names(chain cachain.Chain) (names []string) {
	for _, c := range chain {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

// The same certificates are found, each once, in every form of packing.
func TestAChainIsFoundHoweverItIsPacked(t *testing.T) {
	root := issue(t, "root", nil)
	middle := issue(t, "middle", root)
	both := middle.pem() + root.pem()
	noise := "# exported\nBag Attributes\n" + middle.pem() + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + root.pem()
	for name, data := range map[string][]byte{
		"PEM":                     []byte(both),
		"PEM with Windows lines":  []byte(strings.ReplaceAll(both, "\n", "\r\n")),
		"PEM with text around it": []byte(noise),
		"PEM that repeats itself": []byte(both + both),
		"stored":                  archive(t, file{name: "chain.pem", content: both}),
		"deflated":                archive(t, file{name: "chain.pem", content: both, method: zip.Deflate}),
		"as Alibaba has it": archive(t, file{name: "ApsaraDB-CA-Chain.jks", content: "\xfe\xed", method: zip.Deflate},
			file{name: "ApsaraDB-CA-Chain.p7b", content: "0\x80", method: zip.Deflate}, file{name: "ApsaraDB-CA-Chain.pem", content: both, method: zip.Deflate}),
		"in a folder":      archive(t, file{name: "CA/", mode: fs.ModeDir | 0o755}, file{name: "CA/Chain.PEM", content: both}),
		"made on Windows":  archive(t, file{name: `CA\chain.crt`, content: both}),
		"with a Unix mode": archive(t, file{name: "chain.cer", content: both, mode: 0o600}),
		"in two files":     archive(t, file{name: "1.pem", content: strings.TrimSpace(middle.pem())}, file{name: "2.pem", content: root.pem()}),
	} {
		chain, err := cachain.Parse(data)
		if err != nil || !slices.Equal(names(chain), []string{"middle", "root"}) {
			t.Errorf("%s: it holds %v (%v), want middle and root", name, names(chain), err)
			continue
		}
		if chain.Fingerprint() != root.sum() {
			t.Errorf("%s: the fingerprint is %s, want that of the root %s", name, chain.Fingerprint(), root.sum())
		}
		if string(chain.PEM()) != both {
			t.Errorf("%s: as PEM it is %q", name, chain.PEM())
		}
	}
}

// patched changes the bytes at an offset from the first or last occurrence of a mark.
func patched(data []byte, mark string, at int, with ...byte) []byte {
	data = slices.Clone(data)
	copy(data[bytes.LastIndex(data, []byte(mark))+at:], with)
	return data
}

// A download that is not a chain fails with a clear reason.
func TestADownloadThatIsNoChainSaysWhy(t *testing.T) {
	root := issue(t, "root", nil)
	good := archive(t, file{name: "chain.pem", content: root.pem()})
	packed := archive(t, file{name: "chain.pem", content: root.pem(), method: zip.Deflate})
	bomb := archive(t, file{name: "chain.pem", content: strings.Repeat("\n", 50<<20), method: zip.Deflate})
	var many []file
	for i := range 51 {
		many = append(many, file{name: fmt.Sprintf("%d.pem", i), content: root.pem()})
	}
	var crowd strings.Builder
	for i := range 51 {
		crowd.WriteString(issue(t, fmt.Sprint(i), nil).pem())
	}
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"nothing":                    {nil, "no certificate as PEM"},
		"a page":                     {[]byte("<html>Sorry</html>"), "no certificate as PEM"},
		"a broken certificate":       {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "one of its certificates cannot be read"},
		"too many certificates":      {[]byte(crowd.String()), "more than 50 certificates"},
		"half an archive":            {good[:len(good)/2], "broken"},
		"an archive without its end": {good[:len(good)-10], "broken"},
		"the beginning of one":       {[]byte("PK\x03\x04"), "broken"},
		"an end alone":               {[]byte("PK\x05\x06"), "broken"},
		"an empty archive":           {archive(t), "no PEM file"},
		"only other formats":         {archive(t, file{name: "a/chain.jks"}, file{name: "chain.p7b"}), `no PEM file, but "chain.jks", "chain.p7b"`},
		"a link":                     {archive(t, file{name: "chain.pem", content: "/etc/ssl/cert.pem", mode: fs.ModeSymlink | 0o777}), `no PEM file, but "chain.pem"`},
		"a device":                   {archive(t, file{name: "chain.pem", mode: fs.ModeDevice}), "no PEM file"},
		"a folder with such a name":  {archive(t, file{name: "chain.pem/"}), "no PEM file"},
		"an archive in an archive":   {archive(t, file{name: "chain.zip", content: string(good)}), "no PEM file"},
		"an archive as PEM":          {archive(t, file{name: "chain.pem", content: string(good)}), "no certificate as PEM"},
		"a path upwards":             {archive(t, file{name: "../chain.pem", content: root.pem()}), "leads out of it"},
		"a path upwards within":      {archive(t, file{name: "a/../../chain.pem", content: root.pem()}), "leads out of it"},
		"a path upwards on Windows":  {archive(t, file{name: `..\chain.pem`, content: root.pem()}), "leads out of it"},
		"a path from the root":       {archive(t, file{name: "/etc/chain.pem", content: root.pem()}), "leads out of it"},
		"a drive":                    {archive(t, file{name: `C:\chain.pem`, content: root.pem()}), "leads out of it"},
		"too many files":             {archive(t, many...), "51 files, more than 50"},
		"a bomb":                     {bomb, "larger than 256 KiB"},
		"a bomb that denies it":      {patched(bomb, "PK\x01\x02", 24, 1, 0, 0, 0), "is broken"},
		"a wrong checksum":           {patched(good, "PK\x01\x02", 16, 0, 0, 0, 0), "is broken"},
		"a wrong length":             {patched(good, "PK\x01\x02", 24, 1, 0, 0, 0), "is broken"},
		"an unknown method":          {patched(good, "PK\x01\x02", 10, 93), "cannot be unpacked"},
		"bad packing":                {patched(packed, "PK\x03\x04", 39, 0xff, 0xff, 0xff), "is broken"},
		"content beyond its end":     {patched(good, "PK\x01\x02", 20, 0xff, 0xff, 0xff, 0x7f), "is broken"},
		"a header beyond its end":    {patched(good, "PK\x01\x02", 42, 0xff, 0xff, 0xff, 0xff), "is broken"},
		"a directory beyond":         {patched(good, "PK\x05\x06", 16, 0xff, 0xff, 0xff, 0xff), "cannot be unpacked"},
		"a list without files":       {patched(good, "PK\x05\x06", 10, 2, 0), "broken"},
	} {
		chain, err := cachain.Parse(test.data)
		if err == nil || chain != nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: it gives %v (%v), want an error with %q", name, names(chain), err, test.says)
		}
	}
}

// The roots, in which a client's trust ends, identify the CA.
func TestTheFingerprintIsThatOfTheRoots(t *testing.T) {
	root, other := issue(t, "root", nil), issue(t, "other", nil)
	middle := issue(t, "middle", root)
	renewed := issue(t, "middle", root)
	chain := func(certificates ...*issued) (c cachain.Chain) {
		for _, certificate := range certificates {
			c = append(c, certificate.Certificate)
		}
		return c
	}
	for name, test := range map[string]struct {
		a, b cachain.Chain
		same bool
	}{
		"another order":            {chain(middle, root), chain(root, middle), true},
		"another in the middle":    {chain(middle, root), chain(renewed, root), true},
		"the root alone":           {chain(middle, root), chain(root), true},
		"another root":             {chain(root), chain(other), false},
		"one more root":            {chain(root), chain(root, other), false},
		"two in another order":     {chain(other, root), chain(root, other), true},
		"without its root":         {chain(middle), chain(renewed), false},
		"without its root, a copy": {chain(middle), chain(middle), true},
	} {
		if got := test.a.Fingerprint() == test.b.Fingerprint(); got != test.same {
			t.Errorf("%s: the fingerprints are equal: %t, want %t", name, got, test.same)
		}
	}
}

func TestFingerprintsAreTakenAsOpensslWritesThem(t *testing.T) {
	one, two := strings.Repeat("ab", 32), strings.Repeat("0C", 32)
	var got cachain.Fingerprints
	if err := got.UnmarshalText([]byte(" " + strings.Repeat("AB:", 31) + "AB ,, " + two)); err != nil || !slices.Equal(got, cachain.Fingerprints{one, strings.ToLower(two)}) {
		t.Errorf("they are %v (%v)", got, err)
	}
	for _, bad := range []string{"abc", one + "0", strings.Repeat("zz", 32), one + ";" + two} {
		if err := got.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
			t.Errorf("%q is taken: %v", bad, err)
		}
	}
}

// Every download is a chain or an error. A chain that is written as PEM is read as the
// same chain.
func FuzzParse(f *testing.F) {
	root := issue(f, "root", nil)
	f.Add(archive(f, file{name: "chain.pem", content: root.pem(), method: zip.Deflate}))
	f.Add(archive(f, file{name: "a/", mode: fs.ModeDir}, file{name: "a/chain.pem", content: root.pem()}, file{name: "b.jks", content: "x"}))
	f.Add([]byte(root.pem()))
	f.Fuzz(func(t *testing.T, data []byte) {
		chain, err := cachain.Parse(data)
		if (err == nil) != (len(chain) > 0) {
			t.Fatalf("it gives %v and %v", names(chain), err)
		}
		if err != nil {
			return
		}
		if again, err := cachain.Parse(chain.PEM()); err != nil || again.Fingerprint() != chain.Fingerprint() || len(again) != len(chain) {
			t.Fatalf("written and read again it gives %v, %v, want %v", names(again), err, names(chain))
		}
	})
}
