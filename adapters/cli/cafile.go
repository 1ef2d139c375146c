package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"tairssl/handler"
)

// destination is where chains are written to.
type destination struct {
	dir           string
	force, dryRun bool
}

// keep writes the chain of a row to its file, and notes how that went.
func (d destination) keep(r *caRow) {
	if r.Error != nil || d.dryRun {
		return
	}
	r.File = filepath.Join(d.dir, r.InstanceID+".pem") // of what the handler has found to be an id
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

// holds reports whether the file holds this text already. It is an error if it
// holds another, and may not be overwritten.
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
	return false, handler.Errorf(handler.Forbidden, "%s is there and holds something else: look at it, and say --force to overwrite it", file)
}

// write puts the file into its place when it is complete, so that a client never
// reads half of it.
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

// kept says what became of the file.
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
