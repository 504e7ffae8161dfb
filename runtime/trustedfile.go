package runtime

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// ownAlone tells why others than this user could have written a file.
func ownAlone(st fs.FileInfo) error {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || int(sys.Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: %s of user %d", errOthersWrite, st.Mode(), sys.Uid)
	}
	return nil
}

// readTrusted reads a file that only this user can have written, up to the limit.
func readTrusted(dir *os.Root, name string) ([]byte, error) {
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is a %s", errDamaged, st.Mode().Type())
	}
	if err := ownAlone(st); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, nodeFileLimit))
}

// writeWhole writes a file that is whole as soon as it has its name. It is not
// synced: what a crash leaves of it the checksum tells.
func writeWhole(dir *os.Root, name string, data []byte) error {
	temporary := "." + name[:min(len(name), 16)] + "-" + rand.Text()
	if err := dir.WriteFile(temporary, data, 0o600); err != nil {
		_ = dir.Remove(temporary)
		return err
	}
	if err := dir.Rename(temporary, name); err != nil {
		_ = dir.Remove(temporary)
		return err
	}
	return nil
}

// prune removes the files that were used longest ago, beyond the bound. What
// a shim has not finished counts as well, and goes with its time.
func prune(dir *os.Root, except string) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	files, err := d.Readdir(-1)
	if err != nil {
		return err
	}
	if len(files) <= maxNodeFiles {
		return nil
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, f := range files[:len(files)-maxNodeFiles] {
		if f.Name() == except {
			continue
		}
		if err := dir.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) { // another shim prunes too
			return err
		}
	}
	return nil
}
