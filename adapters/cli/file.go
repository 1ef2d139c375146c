package cli

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// replaceFile replaces the content of a file at once: a program that reads the file
// meanwhile, such as a web server, gets either the old or the new content. A pipe or a
// device is not replaced but written to.
func replaceFile(name string, write func(io.Writer) error) error {
	there, err := os.Stat(name)
	switch {
	case err == nil && !there.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(buffered(f, write), f.Close())
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target // otherwise the rename would replace the link
	}
	f, err := os.OpenFile(filepath.Join(filepath.Dir(name), ".tairssl-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = buffered(f, write)
	if there != nil {
		err = errors.Join(err, f.Chmod(there.Mode().Perm()))
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriter(w)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}
