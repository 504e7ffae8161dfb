//go:build linux

package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Statuses returns where the containers stand whose shims live, by name of
// file. Files that are none are passed over and told of.
func (s *Store) Statuses() (statuses []Status, skipped []error, err error) {
	files, err := readDir(filepath.Join(s.dir, statusesDir))
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if !isStatus(f.Name()) {
			continue
		}
		st, _, err := readStatus(s.statusPath(f.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			skipped = append(skipped, fmt.Errorf("%s: %w", s.statusPath(f.Name()), err))
		case st.Shim.Alive():
			statuses = append(statuses, st)
		}
	}
	return statuses, skipped, nil
}

func isStatus(name string) bool {
	return strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, tmpPrefix)
}

// readStatus also returns the inode of the file.
func readStatus(path string) (Status, uint64, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return Status{}, 0, err
	}
	defer f.Close()
	inode, err := inodeOf(f.Fd())
	if err != nil {
		return Status{}, 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Status{}, 0, err
	}
	var st Status
	if !json.Valid(data) {
		return Status{}, 0, errNotStatus
	}
	_ = json.Unmarshal(data, &st) // an error: a newer version's fields
	if st.Version < 1 {
		return Status{}, 0, errNotStatus
	}
	return st, inode, nil
}

// pruneStatuses removes what shims left that died.
func (s *Store) pruneStatuses() error {
	files, err := readDir(filepath.Join(s.dir, statusesDir))
	if err != nil {
		return err
	}
	var failed error
	for _, f := range files {
		path := s.statusPath(f.Name())
		if isStatus(f.Name()) {
			failed = errors.Join(failed, removeDead(path))
		} else if st, err := f.Info(); err == nil && strings.HasPrefix(f.Name(), tmpPrefix) && time.Since(st.ModTime()) > time.Minute {
			failed = errors.Join(failed, ignore(os.Remove(path), fs.ErrNotExist))
		}
	}
	return failed
}

// removeDead removes a status whose shim is dead. Another shim may have put its
// own in the place meanwhile.
func removeDead(path string) error {
	st, inode, err := readStatus(path) // an error: foreign, or removed meanwhile
	var now unix.Stat_t
	if err == nil && !st.Shim.Alive() && unix.Lstat(path, &now) == nil && now.Ino == inode {
		return ignore(os.Remove(path), fs.ErrNotExist)
	}
	return nil
}
