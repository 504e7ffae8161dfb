package install

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/google/renameio/v2"

	"bookend.dev/bookend/cmd/internal/atomicfile"
)

// Entry is a regular file or a symbolic link.
type Entry struct {
	meta
	Data []byte // of a file
}

// meta is all of an entry but its data. Two entries with the same meta are the
// same.
type meta struct {
	Link   string      `json:"link,omitempty"`   // target; empty: a regular file
	SHA256 string      `json:"sha256,omitempty"` // of a file's data
	Mode   fs.FileMode `json:"mode,omitempty"`   // of a file: permissions
	UID    int         `json:"uid,omitempty"`
	GID    int         `json:"gid,omitempty"`
}

// newFile is a file of this process's user.
func newFile(data []byte, mode fs.FileMode) *Entry {
	return meta{Mode: mode, UID: os.Getuid(), GID: os.Getgid()}.file(data)
}

func newLink(target string) *Entry { return &Entry{meta: meta{Link: target}} }

// file is a file with this mode and owner.
func (m meta) file(data []byte) *Entry {
	sum := sha256.Sum256(data)
	m.SHA256 = hex.EncodeToString(sum[:])
	return &Entry{m, data}
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
	switch st.Mode().Type() {
	case fs.ModeSymlink:
		target, err := os.Readlink(path)
		return newLink(target), err
	case 0:
		owner := st.Sys().(*syscall.Stat_t)
		data, err := os.ReadFile(path)
		return meta{Mode: st.Mode().Perm(), UID: int(owner.Uid), GID: int(owner.Gid)}.file(data), err
	default:
		return nil, &fs.PathError{Op: "replace", Path: path, Err: errKind}
	}
}

// put makes path this entry, by rename; a nil entry removes what is there.
func (e *Entry) put(path string) error {
	switch {
	case e == nil:
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	case e.Link != "":
		return renameio.Symlink(e.Link, path)
	}
	return atomicfile.Write(path, e.Data, e.Mode, e.UID, e.GID)
}

// same tells whether e is what was saved as m; nil: there was nothing.
func (e *Entry) same(m *meta) bool {
	if e == nil || m == nil {
		return e == nil && m == nil
	}
	return e.meta == *m
}

// saved is what is remembered of e; nil: there is nothing.
func (e *Entry) saved() *meta {
	if e == nil {
		return nil
	}
	return &e.meta
}
