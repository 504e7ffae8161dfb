package install

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// possible tells why the plan cannot be carried out, as far as that can be told
// before: directories that cannot be written to, and binaries that could not be
// run. So nothing is left half done.
func (p *Plan) possible() error {
	var dirs []string
	for _, c := range p.Changes {
		dirs = append(dirs, filepath.Dir(c.Path))
	}
	for _, path := range p.Remove {
		dirs = append(dirs, filepath.Dir(path))
	}
	if p.Place != "" {
		dirs = append(dirs, filepath.Dir(p.Place))
		if err := noExec(p.opts.LibDir); err != nil {
			return fmt.Errorf("%s: %w: choose another --lib-dir", p.opts.LibDir, err)
		}
	}
	if !p.Empty() {
		dirs = append(dirs, p.opts.LibDir)
	}
	for _, dir := range dirs {
		if err := Writable(dir); err != nil {
			return err
		}
	}
	return nil
}

// Writable tells why nothing can be put into a directory that exists or is to
// be made.
func Writable(dir string) error {
	at := existing(dir)
	st, err := os.Stat(at)
	if err == nil && !st.IsDir() {
		err = unix.ENOTDIR
	}
	if err == nil {
		err = unix.Faccessat(unix.AT_FDCWD, at, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	}
	if err == nil {
		return nil
	}
	if at == dir {
		return fmt.Errorf("%s cannot be written to: %w", dir, err)
	}
	return fmt.Errorf("%s cannot be made in %s: %w", dir, at, err)
}

// noExec tells whether programs can be run from a directory that exists or is to
// be made.
func noExec(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(existing(dir), &st); err != nil {
		return err
	}
	if st.Flags&unix.ST_NOEXEC != 0 {
		return ErrNoExec
	}
	return nil
}

// existing is dir, or the first directory above it that exists.
func existing(dir string) string {
	for !exists(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	return dir
}
