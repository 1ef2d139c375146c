package cachain

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
)

// The archive is read by hand, and package archive/zip is not used: it brings the
// compressor with it, which would take more room in the functions' packages than
// all else of this package together. The format is that of PKWARE's APPNOTE.TXT,
// without Zip64, encryption and archives of several volumes.

const (
	// maxFiles and maxFile bound what is read of an archive: 12 MiB, however much
	// it would unpack to.
	maxFiles = 50
	maxFile  = 256 << 10
)

// Headers of the format: how each begins, and its length without what varies.
const (
	endSign, endLength         = "PK\x05\x06", 22
	centralSign, centralLength = "PK\x01\x02", 46
	localSign, localLength     = "PK\x03\x04", 30
	longestComment             = 1<<16 - 1
)

// Methods of compression.
const (
	stored   = 0
	deflated = 8
)

var errBroken = errors.New("the archive is broken")

// entry is a file as the archive's directory describes it.
type entry struct {
	name             string
	regular          bool // neither a folder nor a link
	flags, method    uint16
	sum              uint32
	packed, unpacked uint32
	at               uint32 // of its local header
}

// pemIn gives the text of the PEM files in an archive, in its order. Nothing is
// written, and names mean nothing but their ends. Links and archives within the
// archive are not followed.
func pemIn(data []byte) ([]byte, error) {
	entries, err := directory(data)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	var others []string
	for _, e := range entries {
		switch file := path.Base(e.name); {
		case leavesOut(e.name):
			return nil, fmt.Errorf("the archive holds %.60q, a path that leads out of it", e.name)
		case !e.regular || !mayHoldPEM(file):
			others = append(others, fmt.Sprintf("%.60q", file))
		default:
			if err := e.unpack(&text, data); err != nil {
				return nil, fmt.Errorf("the archive's file %.60q %w", file, err)
			}
			text.WriteByte('\n')
		}
	}
	if text.Len() == 0 {
		return nil, fmt.Errorf("the archive holds no PEM file, but %s", strings.Join(others, ", "))
	}
	return text.Bytes(), nil
}

// leavesOut reports whether a path leads out of the folder that the archive would
// be unpacked to. No archive of Alibaba's has such a path.
func leavesOut(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	clean := path.Clean(name)
	return name == "" || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(name, ":")
}

func mayHoldPEM(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".pem", ".crt", ".cer":
		return true
	}
	return false
}

// part is so many bytes of data from a position on, nil if there are not.
func part(data []byte, from, length uint64) []byte {
	if from > uint64(len(data)) || length > uint64(len(data))-from {
		return nil
	}
	return data[from : from+length]
}

// directory reads the list of files at the end of an archive.
func directory(data []byte) (entries []entry, err error) {
	tail := data[max(0, len(data)-endLength-longestComment):]
	end := part(tail, uint64(max(0, bytes.LastIndex(tail, []byte(endSign)))), endLength)
	if end == nil || string(end[:4]) != endSign {
		return nil, errBroken
	}
	little := binary.LittleEndian
	files, at := int(little.Uint16(end[10:])), uint64(little.Uint32(end[16:]))
	if files > maxFiles {
		return nil, fmt.Errorf("the archive holds %d files, more than %d", files, maxFiles)
	}
	for range files {
		h := part(data, at, centralLength)
		if h == nil || string(h[:4]) != centralSign {
			return nil, errBroken
		}
		length := uint64(little.Uint16(h[28:]))
		name := part(data, at+centralLength, length)
		if name == nil {
			return nil, errBroken
		}
		entries = append(entries, entry{
			name: string(name), regular: regular(string(name), h[5], little.Uint32(h[38:])),
			flags: little.Uint16(h[8:]), method: little.Uint16(h[10:]), sum: little.Uint32(h[16:]),
			packed: little.Uint32(h[20:]), unpacked: little.Uint32(h[24:]), at: little.Uint32(h[42:]),
		})
		at += centralLength + length + uint64(little.Uint16(h[30:])) + uint64(little.Uint16(h[32:]))
	}
	return entries, nil
}

// regular reports whether an entry is a file. Its attributes are those of the
// system that made it: Unix and macOS keep the type of a file in the upper half.
func regular(name string, madeBy byte, attributes uint32) bool {
	const unix, darwin, typeMask, regularType = 3, 19, 0xf000, 0x8000
	kind := attributes >> 16 & typeMask
	return !strings.HasSuffix(name, "/") && ((madeBy != unix && madeBy != darwin) || kind == 0 || kind == regularType)
}

// unpack adds the content of a file, however large the directory says it is.
func (e entry) unpack(text *bytes.Buffer, data []byte) error {
	h := part(data, uint64(e.at), localLength)
	if h == nil || string(h[:4]) != localSign {
		return errors.New("is broken")
	}
	little := binary.LittleEndian
	begins := uint64(e.at) + localLength + uint64(little.Uint16(h[26:])) + uint64(little.Uint16(h[28:]))
	packed := part(data, begins, uint64(e.packed))
	var content io.Reader = bytes.NewReader(packed)
	switch {
	case e.flags&1 != 0:
		return errors.New("is encrypted")
	case packed == nil:
		return errors.New("is broken")
	case e.method == deflated:
		content = flate.NewReader(content)
	case e.method != stored:
		return errors.New("is packed in an unknown way")
	}
	begun := text.Len()
	n, err := io.Copy(text, io.LimitReader(content, maxFile+1))
	switch {
	case n > maxFile:
		return fmt.Errorf("is larger than %d KiB", maxFile>>10)
	case err != nil || uint32(n) != e.unpacked || crc32.ChecksumIEEE(text.Bytes()[begun:]) != e.sum:
		return errors.New("is broken")
	}
	return nil
}
