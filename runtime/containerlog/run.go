package containerlog

import (
	"bytes"
	"errors"
	"os"

	"bookend.dev/bookend/hooks"
)

// run writes the queue until the end.
func (w *Writer) run() {
	defer close(w.done)
	err := hooks.Recovered(w.writeAll)
	w.mu.Lock()
	w.broken, w.line = true, nil
	w.dropped += bytes.Count(w.queue, []byte{'\n'})
	w.queue = nil
	dropped := w.dropped
	w.mu.Unlock()
	switch logger := w.logger.WithField("lines", dropped); {
	case err != nil:
		logger.WithError(err).Warn("bookend: the container's log does not take the lines of a hook any more")
	case dropped > 0:
		logger.Warn("bookend: the container's log lacks lines of a hook: it was not read in time")
	}
}

func (w *Writer) writeAll() error {
	f, err := openLog(w.path)
	if err != nil {
		return err
	}
	defer f.Close()
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.log = f
	w.setDeadlineLocked()
	w.mu.Unlock()
	var line []byte
	for {
		line = w.next(line[:0])
		if len(line) == 0 {
			return nil
		}
		err := writeLine(conn, line)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			w.mu.Lock()
			w.queue = append(line, w.queue...) // to be counted
			w.mu.Unlock()
			return nil
		}
		if err != nil {
			return &os.PathError{Op: "write", Path: w.path, Err: err}
		}
	}
}

// setDeadlineLocked makes a write that waits for a reader return when the time is up.
// For a file, where nothing waits, there is no such thing.
func (w *Writer) setDeadlineLocked() {
	if w.ended && w.log != nil {
		_ = w.log.SetWriteDeadline(w.until)
	}
}

// next waits for the first line of the queue and puts it into buf; none: the end.
func (w *Writer) next(buf []byte) []byte {
	for {
		w.mu.Lock()
		if n := bytes.IndexByte(w.queue, '\n') + 1; n > 0 {
			buf = append(buf, w.queue[:n]...)
			if w.queue = w.queue[n:]; len(w.queue) == 0 {
				w.queue = nil
			}
			w.mu.Unlock()
			return buf
		}
		ended := w.ended
		w.mu.Unlock()
		if ended {
			return buf
		}
		<-w.wake
	}
}
