package runtime

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// nodeFiles is a directory of small files that all shims of a node share: what
// one has found out the others need not. A file appears by rename, whole or not
// at all. Nothing is taken from a directory or a file that another user could
// have written, and nobody waits for a file system that hangs. It may be used
// by any number of goroutines.
type nodeFiles struct {
	dir  string
	turn sync.Mutex                         // of who waits for an answer
	busy chan struct{}                      // holds one token, but while the file system hangs
	open func(dir string) (*os.Root, error) // os.OpenRoot; tests have one that hangs
}

const (
	nodeFileLimit = 1 << 20 // bytes of a file that are read
	maxNodeFiles  = 64
)

func newNodeFiles(dir string) *nodeFiles {
	n := &nodeFiles{dir: dir, busy: make(chan struct{}, 1), open: os.OpenRoot}
	n.busy <- struct{}{}
	return n
}

// nodePatience is how long the directory may take to answer: longer than that
// what is in it is found out sooner.
const nodePatience = 250 * time.Millisecond

// load returns what was saved under a name. A file that is not exactly as it was
// written is errDamaged.
func (n *nodeFiles) load(name string) ([]byte, error) {
	var data []byte
	err := n.within(func(dir *os.Root) (err error) {
		if data, err = readTrusted(dir, name); err == nil {
			now := time.Now()
			_ = dir.Chtimes(name, now, now) // the oldest use goes first
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return unsealed(name, data)
}

// save keeps a file, and no more files than the bound.
func (n *nodeFiles) save(name string, body []byte) error {
	return n.within(func(dir *os.Root) error {
		if err := writeWhole(dir, name, sealed(name, body)); err != nil {
			return err
		}
		return prune(dir, name)
	})
}

// sealed is the content of a file: the first line is a checksum, for what a crash
// or a disk does to it.
func sealed(name string, body []byte) []byte {
	return fmt.Appendf(nil, "%s\n%s", checksum(name, body), body)
}

func unsealed(name string, data []byte) ([]byte, error) {
	sum, body, _ := bytes.Cut(data, []byte("\n"))
	if string(sum) != checksum(name, body) {
		return nil, fmt.Errorf("%w: its checksum is another", errDamaged)
	}
	return body, nil
}

// checksum covers the name as well: a file under another's is about something else.
func checksum(name string, body []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(append([]byte(name), body...)))
}

// within does a job in the directory, for which it waits no longer than
// nodePatience. While an earlier one hangs, none is begun.
func (n *nodeFiles) within(job func(*os.Root) error) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	select {
	case <-n.busy:
	default:
		return errHangs
	}
	done := make(chan error, 1)
	go func() {
		err := n.inTrusted(job)
		n.busy <- struct{}{} // before the caller can come again
		done <- err
	}()
	late := time.NewTimer(nodePatience)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return errHangs
	}
}

// inTrusted does a job in the directory, which it makes if need be, if none but
// this user, root, can write to it.
func (n *nodeFiles) inTrusted(job func(*os.Root) error) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	dir, err := n.open(n.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	st, err := dir.Stat(".")
	if err == nil {
		err = ownAlone(st)
	}
	if err != nil {
		return err
	}
	return job(dir)
}

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
