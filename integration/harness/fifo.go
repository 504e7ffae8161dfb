package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// FIFODir is where containers find the directory of [FIFOs].
const FIFODir = "/fifo"

// FIFOs is a directory with FIFOs that a test and its containers share, to put
// what happens in an order without sleeping. A hook that says where it is and
// waits for leave is
//
//	sh -c 'echo here > /fifo/started; cat /fifo/go'
//
// with [FIFOs.Await]("started") and [FIFOs.Open]("go") on the other side.
// The FIFOs are there before either side looks: [Daemon.NewFIFOs] makes them.
type FIFOs struct {
	// Dir is the directory on the host, to be mounted at [FIFODir].
	Dir string
}

// NewFIFOs makes the directory and the FIFOs that names list. The caller removes it.
func (d *Daemon) NewFIFOs(names ...string) (*FIFOs, error) {
	dir := d.Path("fifos", NewID("g"))
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o777); err != nil { // whatever the umask, whoever the container's user
		return nil, err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := unix.Mkfifo(path, 0o666); err != nil {
			return nil, fmt.Errorf("mkfifo %s: %w", path, err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			return nil, err
		}
	}
	return &FIFOs{Dir: dir}, nil
}

// Mounts is the mount that a container needs, as [ContainerOptions] has it.
func (f *FIFOs) Mounts() map[string]string { return map[string]string{f.Dir: FIFODir} }

// Remove removes the directory.
func (f *FIFOs) Remove() error { return os.RemoveAll(f.Dir) }

// Await waits, for at most a minute, until something writes a line into the
// FIFO, and returns it without its newline. It takes one line of one writer.
func (f *FIFOs) Await(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit(ReadyTimeout))
	defer cancel()
	// Opened for both, so that neither this nor a writer blocks in open.
	fifo, err := os.OpenFile(filepath.Join(f.Dir, name), os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer fifo.Close()
	stop := context.AfterFunc(ctx, func() { _ = fifo.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(fifo).ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("wait at FIFO %s: %w", name, err)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// Open lets through what reads the FIFO, once it does.
func (f *FIFOs) Open(ctx context.Context, name string) error {
	path := filepath.Join(f.Dir, name)
	return Poll(ctx, ReadyTimeout, "a reader at FIFO "+name, func() error {
		fifo, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if errors.Is(err, unix.ENXIO) {
			return err // no one reads yet
		}
		if err != nil {
			return Permanent(err)
		}
		_, err = io.WriteString(fifo, "go\n")
		return errors.Join(err, fifo.Close())
	})
}

// Path is the FIFO's path inside containers.
func (f *FIFOs) Path(name string) string { return FIFODir + "/" + name }
