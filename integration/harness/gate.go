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

// GateDir is where containers find a gate's FIFOs.
const GateDir = "/gate"

// Gate is a directory with FIFOs that a test and its containers share, to put
// what happens in an order without sleeping. A hook that says where it is and
// waits for leave is
//
//	sh -c 'echo here > /gate/started; cat /gate/go'
//
// with [Gate.Await]("started") and [Gate.Open]("go") on the other side.
// The FIFOs are there before either side looks: [Daemon.NewGate] makes them.
type Gate struct {
	// Dir is the directory on the host, to be mounted at [GateDir].
	Dir string
}

// NewGate makes a gate with the FIFOs that names list. The caller removes it.
func (d *Daemon) NewGate(names ...string) (*Gate, error) {
	dir := d.Path("gates", NewID("g"))
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
	return &Gate{Dir: dir}, nil
}

// Mounts is the mount that a container needs, as [ContainerOptions] has it.
func (g *Gate) Mounts() map[string]string { return map[string]string{g.Dir: GateDir} }

// Remove removes the gate.
func (g *Gate) Remove() error { return os.RemoveAll(g.Dir) }

// Await waits, for at most a minute, until something writes a line into the
// FIFO, and returns it without its newline. It takes one line of one writer.
func (g *Gate) Await(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit(ReadyTimeout))
	defer cancel()
	// Opened for both, so that neither this nor a writer blocks in open.
	f, err := os.OpenFile(filepath.Join(g.Dir, name), os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(f).ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("wait at gate %s: %w", name, err)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// Open lets through what reads the FIFO, once it does.
func (g *Gate) Open(ctx context.Context, name string) error {
	path := filepath.Join(g.Dir, name)
	return Poll(ctx, ReadyTimeout, "a reader at gate "+name, func() error {
		f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if errors.Is(err, unix.ENXIO) {
			return err // nobody reads yet
		}
		if err != nil {
			return Permanent(err)
		}
		_, err = io.WriteString(f, "go\n")
		return errors.Join(err, f.Close())
	})
}

// Path is the FIFO's path inside containers.
func (g *Gate) Path(name string) string { return GateDir + "/" + name }
