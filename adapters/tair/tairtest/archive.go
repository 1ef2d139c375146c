package tairtest

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"unicode/utf16"
)

// archive builds the archive that Alibaba offers for download: the CA chain as PEM, as
// PKCS #7 and as a Java key store with the password apsaradb.
func (a *authority) archive() ([]byte, error) {
	der := a.certificate.Raw
	p7b, err := pkcs7(der)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, file := range []struct {
		end     string
		content []byte
	}{{"jks", keyStore(der, "apsaradb", a.certificate.NotBefore.UnixMilli())}, {"p7b", p7b}, {"pem", asPEM(der)}} {
		entry, err := w.Create("ApsaraDB-CA-Chain/ApsaraDB-CA-Chain." + file.end)
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(file.content); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return archive.Bytes(), err
}

func asPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// pkcs7 is a signed message of RFC 2315 that holds certificates but no content and no
// signatures.
func pkcs7(der []byte) ([]byte, error) {
	type contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"optional,explicit,tag:0"`
	}
	signed, err := asn1.Marshal(struct {
		Version      int
		Algorithms   []int `asn1:"set"`
		Content      contentInfo
		Certificates asn1.RawValue
		Signers      []int `asn1:"set"`
	}{
		1, nil, contentInfo{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}, nil,
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: signed},
	})
}

// keyStore is a Java key store (JKS version 2) with one trusted certificate.
func keyStore(der []byte, password string, millis int64) []byte {
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if text, ok := v.(string); ok {
				put16(&b, text)
				continue
			}
			_ = binary.Write(&b, binary.BigEndian, v) // cannot fail: it writes fixed sizes to memory
		}
	}
	put(uint32(0xfeedfeed), uint32(2), uint32(1)) // magic, version, entries
	put(uint32(2), "apsaradb", millis, "X.509", uint32(len(der)), der)
	digest := sha1.New()
	_ = binary.Write(digest, binary.BigEndian, utf16.Encode([]rune(password)))
	digest.Write([]byte("Mighty Aphrodite"))
	digest.Write(b.Bytes())
	return digest.Sum(b.Bytes())
}

// put16 writes the length of a text, then the text.
func put16(b *bytes.Buffer, text string) {
	_ = binary.Write(b, binary.BigEndian, uint16(len(text)))
	b.WriteString(text)
}
