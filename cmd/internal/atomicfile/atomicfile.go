// Package atomicfile puts a file in the place of another at once and as a whole,
// with the mode and owner that it should have.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// Write makes path a regular file with this content, mode and owner. It replaces
// a symbolic link, not the file that the link leads to. A uid or gid of -1 is
// this process's own.
func Write(path string, data []byte, mode fs.FileMode, uid, gid int) error {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }() // an error only, once it is in place
	// By its descriptor, before it has the name: whoever owns the directory could
	// put a link to another file there. The owner first: chown takes set-id bits away.
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chown(uid, gid), f.Chmod(mode)); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// Replace changes the content of the file at path, and keeps mode, owner and
// group. Where this process may not give files away, the new file is its own, as
// with other editors.
func Replace(path string, data []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, mode := info.Sys().(*syscall.Stat_t), info.Mode().Perm()
	err = Write(path, data, mode, int(owner.Uid), int(owner.Gid))
	if errors.Is(err, fs.ErrPermission) {
		err = Write(path, data, mode, -1, -1)
	}
	return err
}
