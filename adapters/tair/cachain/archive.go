package cachain

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

const (
	// maxFiles and maxFile limit the text that is read from an archive to 12 MiB.
	maxFiles = 50
	maxFile  = 256 << 10
)

// pemIn returns the text of the PEM files in an archive, in the archive's order. It
// writes no file. It knows a PEM file by the extension of its name. It skips links, and
// archives within the archive.
func pemIn(data []byte) ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, errors.New("the archive is broken")
	}
	if n := len(archive.File); n > maxFiles {
		return nil, fmt.Errorf("the archive holds %d files, more than %d", n, maxFiles)
	}
	var text bytes.Buffer
	var others []string
	for _, f := range archive.File {
		switch name := path.Base(f.Name); {
		case leavesOut(f.Name):
			return nil, fmt.Errorf("the archive holds %.60q, a path that leads out of it", f.Name)
		case !f.Mode().IsRegular() || !mayHoldPEM(name):
			others = append(others, fmt.Sprintf("%.60q", name))
		default:
			if err := unpack(&text, f); err != nil {
				return nil, fmt.Errorf("the archive's file %.60q %w", name, err)
			}
			text.WriteByte('\n')
		}
	}
	if text.Len() == 0 {
		return nil, fmt.Errorf("the archive holds no PEM file, but %s", strings.Join(others, ", "))
	}
	return text.Bytes(), nil
}

// leavesOut reports whether a path leads out of the folder into which a tool would unpack
// the archive. Alibaba's archives have no such path.
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

// unpack appends the content of a file to text. It ignores the size in the archive's
// directory.
func unpack(text *bytes.Buffer, f *zip.File) error {
	content, err := f.Open()
	if err != nil {
		return errors.New("cannot be unpacked")
	}
	defer func() { _ = content.Close() }()
	n, err := io.Copy(text, io.LimitReader(content, maxFile+1))
	switch {
	case n > maxFile:
		return fmt.Errorf("is larger than %d KiB", maxFile>>10)
	case err != nil:
		return errors.New("is broken")
	}
	return nil
}
