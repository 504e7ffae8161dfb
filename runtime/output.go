package runtime

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/log"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
)

// outputTail is how much of each of a hook's outputs is kept, in bytes.
const outputTail = 64 << 10

// output reads one pipe to its end and keeps the last 64 KiB of it, so that
// whoever writes is never blocked. It goes on reading, and forgets, after the
// hook has ended: a process that a hook left running on purpose must not die
// of SIGPIPE. It ends when the last writer does, with the container at the
// latest.
type output struct {
	conn syscall.RawConn
	end  chan struct{} // closed at the end of the file

	// mu makes reading and keeping one step: whoever holds it knows that
	// everything that is no longer in the pipe is in kept.
	mu   sync.Mutex
	buf  []byte
	kept tail
	also *containerlog.Writer // where it goes besides; nil: nowhere
	done bool                 // nothing more is kept
	eof  bool                 // the last writer has closed the pipe
}

// newOutput returns the output and the end of the pipe to write to.
func newOutput() (*output, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	conn, err := r.SyscallConn()
	if err != nil {
		r.Close()
		w.Close()
		return nil, nil, err
	}
	o := &output{conn: conn, end: make(chan struct{}), buf: make([]byte, 8<<10)}
	go func() {
		defer close(o.end)
		defer r.Close()
		if err := hooks.Recovered(func() error { o.pump(); return nil }); err != nil {
			log.L.WithError(err).Error("output of an exec hook")
		}
	}()
	return o, w, nil
}

// pump reads until the end of the file.
func (o *output) pump() {
	for ended := false; !ended; {
		err := o.conn.Read(func(fd uintptr) bool {
			_, err := o.readOnce(fd)
			again := errors.Is(err, unix.EAGAIN)
			ended = err != nil && !again
			return !again
		})
		if err != nil {
			return
		}
	}
}

// readOnce does one read(2) and keeps what it got. At the end of the file it
// returns ENODATA.
func (o *output) readOnce(fd uintptr) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		n, err := unix.Read(int(fd), o.buf)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			o.eof = true
			return 0, unix.ENODATA
		}
		if !o.done {
			o.kept.write(o.buf[:n])
			o.also.Write(o.buf[:n])
		}
		return n, nil
	}
}

// drain reads what lies in the pipe now. It returns the tail of all that was
// written so far, and whether that is all: whether the last writer is known to
// have closed the pipe. It waits for no writer, and stops after as much as a pipe
// can hold, should a writer never stop.
func (o *output) drain() (written []byte, all bool) {
	_ = o.conn.Control(func(fd uintptr) { // an error means that the pipe has ended
		capacity, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0)
		for err == nil && capacity > 0 {
			var n int
			n, err = o.readOnce(fd)
			capacity -= n
		}
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept.bytes(), o.eof
}

// forward gives w what was printed so far, as far as it is kept, and what is
// printed from now on.
func (o *output) forward(w *containerlog.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		w.Write(o.kept.last())
		o.also = w
	}
}

// forget drops what was kept and keeps nothing more. What is on its way to
// where it was forwarded gets there until then, or not at all.
func (o *output) forget(until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.also.End(until)
	o.done, o.kept, o.also, o.buf = true, tail{}, nil, make([]byte, 512)
}

// awaitEnd waits for the end of the file or of ctx.
func (o *output) awaitEnd(ctx context.Context) {
	select {
	case <-o.end:
	case <-ctx.Done():
	}
}
