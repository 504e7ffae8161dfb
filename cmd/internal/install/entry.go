package install

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Entry is a regular file or a symbolic link.
type Entry struct {
	Link     string // target; empty: a regular file
	Data     []byte
	Mode     fs.FileMode // permissions
	UID, GID int
}

// readEntry returns what is at path; nil: nothing.
func readEntry(path string) (*Entry, error) {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := &Entry{Mode: st.Mode().Perm()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		e.UID, e.GID = int(sys.Uid), int(sys.Gid)
	}
	switch st.Mode().Type() {
	case fs.ModeSymlink:
		e.Link, err = os.Readlink(path)
	case 0:
		e.Data, err = os.ReadFile(path)
	default:
		err = &fs.PathError{Op: "replace", Path: path, Err: errKind}
	}
	return e, err
}

var errKind = errors.New("is neither a file nor a symbolic link")

// put makes path this entry, by rename; a nil entry removes what is there.
func (e *Entry) put(path string) error {
	if e == nil {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".bookend-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, filepath.Base(path))
	if e.Link != "" {
		err = os.Symlink(e.Link, tmp)
	} else {
		err = e.write(tmp)
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func (e *Entry) write(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(e.Data)
	// The owner first: chown takes set-id bits away.
	return errors.Join(err, f.Chown(e.UID, e.GID), f.Chmod(e.Mode), f.Sync(), f.Close())
}

// same compares content, and of files the mode and owner as well.
func (e *Entry) same(other *Entry) bool {
	if e == nil || other == nil || e.Link != "" || other.Link != "" {
		return e == other || e != nil && other != nil && e.Link == other.Link
	}
	return bytes.Equal(e.Data, other.Data) && e.Mode == other.Mode && e.UID == other.UID && e.GID == other.GID
}

// withData is a file of other content and the same mode and owner.
func (e *Entry) withData(data []byte) *Entry {
	return &Entry{Data: data, Mode: e.Mode, UID: e.UID, GID: e.GID}
}

func (e *Entry) digest() string {
	sum := sha256.Sum256(e.Data)
	return hex.EncodeToString(sum[:])
}
