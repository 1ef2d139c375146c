package tairtest_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"tairssl/adapters/tair/tairtest"
)

// unpack returns the files of an archive, by the extensions of their names.
func unpack(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range r.File {
		opened, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[strings.TrimPrefix(path.Ext(f.Name), ".")], err = io.ReadAll(opened); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// chain returns the files behind the CertDownloadURL of an instance.
func (w *world) chain(id string) map[string][]byte {
	w.t.Helper()
	url, _ := w.ask("DescribeInstanceSSL", "InstanceId="+id).body["CertDownloadURL"].(string)
	resp, err := newClient(w.t, nil).Get(url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s is answered %d, %v", url, resp.StatusCode, err)
	}
	return unpack(w.t, body)
}

// signedBy reports whether a CA, given as PEM, has signed the certificate that an instance
// shows.
func (w *world) signedBy(id string, authority []byte) bool {
	w.t.Helper()
	i, _ := w.Instance(id)
	leaf, err := tairtest.ServedCertificate(w.t.Context(), i.DataPlane)
	if err != nil {
		w.t.Fatal(err)
	}
	block, _ := pem.Decode(authority)
	if block == nil {
		w.t.Fatalf("no PEM: %q", authority)
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	return leaf.CheckSignatureFrom(ca) == nil
}

// The three files hold the same CA in different formats.
func TestTheArchiveHoldsTheCAInThreeFormats(t *testing.T) {
	w := newWorld(t)
	files := w.chain(id)
	if !bytes.Equal(files["pem"], w.CAPEM()) {
		t.Errorf("the PEM is %q, want that of the emulator's authority", files["pem"])
	}
	block, _ := pem.Decode(w.CAPEM())
	for _, end := range []string{"p7b", "jks"} {
		if !bytes.Contains(files[end], block.Bytes) {
			t.Errorf("the %s does not hold the authority", end)
		}
	}
	store := files["jks"]
	digest := sha1.New()
	for _, c := range utf16.Encode([]rune("apsaradb")) {
		digest.Write([]byte{byte(c >> 8), byte(c)})
	}
	digest.Write([]byte("Mighty Aphrodite"))
	digest.Write(store[:len(store)-sha1.Size])
	if !bytes.Equal(digest.Sum(nil), store[len(store)-sha1.Size:]) {
		t.Error("the key store is not sealed with the password apsaradb")
	}
}

// An instance keeps its CA until it is changed.
func TestANewCASignsLaterChanges(t *testing.T) {
	w := newWorld(t)
	old := w.chain(id)["pem"]
	status, text := w.control("ca", `{"Rotate":true}`)
	if status != 200 || !strings.Contains(text, `"Rotations":1`) {
		t.Fatalf("the order is answered %d %s", status, text)
	}
	if now := w.chain(id)["pem"]; !bytes.Equal(now, old) || !w.signedBy(id, old) {
		t.Error("an unchanged instance has another CA")
	}
	if new := w.chain("r-bp1zxszhcgatnx03")["pem"]; bytes.Equal(new, old) {
		t.Error("an instance that will be enabled would get the old CA")
	}
	if err := w.modify("Update"); err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Minute)
	new := w.chain(id)["pem"]
	switch {
	case bytes.Equal(new, old):
		t.Error("the archive of a renewed instance holds the old authority")
	case !w.signedBy(id, new) || w.signedBy(id, old):
		t.Error("the renewed certificate is not signed by the new authority")
	case !bytes.Equal(w.CAPEM(), old):
		t.Error("the https address has another authority")
	}
}

// Clients may see a change later than the API reports it.
func TestStaleServingShowsTheOldCertificate(t *testing.T) {
	w := newWorld(t)
	if status, text := w.control("stale-serving", `{"StaleServing":"1m"}`); status != 200 || text != `{"StaleServing":"1m0s"}` {
		t.Fatalf("the order is answered %d %s", status, text)
	}
	served := func() string {
		leaf, err := tairtest.ServedCertificate(t.Context(), w.instance().DataPlane)
		if err != nil {
			t.Fatal(err)
		}
		return leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	before := w.instance().SSLExpiredTime
	if err := w.modify("Update"); err != nil {
		t.Fatal(err)
	}
	w.Advance(30 * time.Second)
	after := w.instance().SSLExpiredTime
	if got := served(); after == before || got != before {
		t.Errorf("the API says %s and %s is served, want the old one of %s", after, got, before)
	}
	w.Advance(time.Minute)
	if got := served(); got != after {
		t.Errorf("a minute later %s is served, want %s", got, after)
	}
}
