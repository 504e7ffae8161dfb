package runtime

import (
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"os"
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

func newNodeFiles(dir string) *nodeFiles {
	n := &nodeFiles{dir: dir, busy: make(chan struct{}, 1), open: os.OpenRoot}
	n.busy <- struct{}{}
	return n
}

// nodePatience is how long the directory may take to answer: longer than that
// what is in it is found out sooner.
const nodePatience = 250 * time.Millisecond

// within does a job in the directory, for which it waits no longer than
// nodePatience. While an earlier one hangs, none is begun.
func (n *nodeFiles) within(job func(*os.Root) ([]byte, error)) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	n.turn.Lock()
	defer n.turn.Unlock()
	select {
	case <-n.busy:
	default:
		return nil, errHangs
	}
	done := make(chan result, 1)
	go func() {
		data, err := n.inTrusted(job)
		n.busy <- struct{}{} // before the caller can come again
		done <- result{data, err}
	}()
	late := time.NewTimer(nodePatience)
	defer late.Stop()
	select {
	case r := <-done:
		return r.data, r.err
	case <-late.C:
		return nil, errHangs
	}
}

func (n *nodeFiles) inTrusted(job func(*os.Root) ([]byte, error)) ([]byte, error) {
	dir, err := n.trusted()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return job(dir)
}

// trusted opens the directory, which it makes if need be, if none but this
// user, root, can write to it.
func (n *nodeFiles) trusted() (*os.Root, error) {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, err
	}
	dir, err := n.open(n.dir)
	if err != nil {
		return nil, err
	}
	st, err := dir.Stat(".")
	if err == nil {
		err = ownAlone(st)
	}
	if err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// ownAlone tells why others than this user could have written a file.
func ownAlone(st fs.FileInfo) error {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || int(sys.Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: %s of user %d", errOthersWrite, st.Mode(), sys.Uid)
	}
	return nil
}

// readTrusted reads a file that only this user can have written, up to a limit in
// bytes.
func readTrusted(dir *os.Root, name string, limit int64) ([]byte, error) {
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
	return io.ReadAll(io.LimitReader(f, limit))
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
