package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"tairssl/handler"
)

// destination is the folder for the chains, with the flags for writing.
type destination struct {
	dir           string
	force, dryRun bool
}

// keep writes the chain of a row to its file, and notes the result in the row.
func (d destination) keep(r *caRow) {
	if r.Error != nil || d.dryRun {
		return
	}
	r.File = filepath.Join(d.dir, r.InstanceID+".pem") // the handler has checked the id, so it is a safe file name
	text := r.chain.PEM()
	same, err := d.holds(r.File, text)
	if err == nil && !same {
		err = d.write(r.File, text)
		r.Written = err == nil
	}
	var known *handler.Error
	switch {
	case errors.As(err, &known):
		r.Error = known
	case err != nil:
		r.Error = handler.Errorf(handler.Internal, "%s could not be written: %v", r.File, err)
	}
}

// holds reports whether the file already holds this text. A file with another content is
// an error, unless it may be overwritten.
func (d destination) holds(file string, text []byte) (bool, error) {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	if info.Mode().IsRegular() && info.Size() == int64(len(text)) {
		held, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		if bytes.Equal(held, text) {
			return true, nil
		}
	}
	if d.force && !info.IsDir() {
		return false, nil
	}
	return false, handler.Errorf(handler.Forbidden, "%s exists and has another content: look at it, and add --force to overwrite it", file)
}

// write writes a temporary file and renames it, so that a client never reads an incomplete
// chain.
func (d destination) write(file string, text []byte) (err error) {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(d.dir, ".tairssl-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// kept says in words whether the file was written.
func (r caRow) kept() string {
	switch {
	case r.Error != nil:
		return r.Error.Message
	case r.Written:
		return "written to " + r.File
	case r.File == "":
		return "not written"
	}
	return "already in " + r.File
}
