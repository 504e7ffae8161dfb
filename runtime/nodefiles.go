package runtime

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"sync"
	"time"
)

// nodeFiles is a directory of small files that all shims of a node share: what
// one has found out the others need not. A file appears by rename, whole or not
// at all. Nothing is taken from a directory or a file that another user could
// have written, and no one waits for a file system that hangs. It may be used
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
// nodePatience. It begins no job while an earlier one hangs.
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
