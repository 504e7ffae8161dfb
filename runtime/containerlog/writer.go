package containerlog

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/containerd/log"
)

// pipeBuf is PIPE_BUF of Linux, in bytes: a write of no more than that goes
// into a pipe as a whole or not at all, so that lines of several writers do not
// mix.
const pipeBuf = 4096

// lineBacklog is how much waits for the reader of a log, in bytes.
const lineBacklog = 64 << 10

// Writer writes lines into the FIFO or file of a container's log. Whoever
// has lines never waits for whoever reads them: they go through a bounded
// queue, and those that find it full are dropped, counted, and missed in a line
// of their own.
//
//	Write ── line ── queue ── run (a goroutine, from the first line on) ── log
//	End ───────────────────────┘ ends it, at the latest when the time is up
//
// All methods may be called on nil, which writes nothing.
type Writer struct {
	path, prefix string
	logger       *log.Entry
	wake         chan struct{} // has room for one
	done         chan struct{} // closed when run has ended

	mu       sync.Mutex
	line     []byte // what the unfinished line has
	queue    []byte // finished lines as they are written, each with its prefix
	started  bool   // run has been
	dropping bool   // the queue was full and is not half empty yet
	missing  int    // lines dropped since the last one that was queued
	dropped  int    // lines dropped at all
	broken   bool   // the log takes nothing more
	ended    bool
	until    time.Time // with ended: when the time is up
	log      *os.File  // nil: not open
}

// newWriter returns the writer of lines with prefix into path; nil if that
// is empty.
func newWriter(path, prefix string, logger *log.Entry) *Writer {
	if path == "" {
		return nil
	}
	return &Writer{
		path: path, prefix: prefix, logger: logger.WithField("log", path),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// Write takes what was printed. It never blocks.
func (w *Writer) Write(p []byte) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(p) > 0 && !w.ended && !w.broken {
		text, rest, finished := bytes.Cut(p, []byte{'\n'})
		w.extendLocked(text)
		if finished {
			w.finishLineLocked(len(w.line))
		}
		p = rest
	}
}

// End finishes the last line. What is queued is written until the time is up.
// It never blocks, and may be called again, without effect.
func (w *Writer) End(until time.Time) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	if !w.broken {
		if len(w.line) > 0 {
			w.finishLineLocked(len(w.line))
		}
		w.noteMissingLocked()
	}
	w.ended, w.until = true, until
	w.setDeadlineLocked()
	w.wakeRun()
}

// extendLocked adds to the unfinished line. What is too long for one write becomes
// several lines, without a character being cut.
func (w *Writer) extendLocked(text []byte) {
	limit := pipeBuf - len(w.prefix) - len("\n")
	for len(w.line)+len(text) > limit {
		room := limit - len(w.line)
		w.line, text = append(w.line, text[:room]...), text[room:]
		w.finishLineLocked(beforeRune(w.line, text[0]))
	}
	w.line = append(w.line, text...)
}

// beforeRune returns how much of line can go without what follows it, beginning
// with next.
func beforeRune(line []byte, next byte) int {
	if utf8.RuneStart(next) {
		return len(line)
	}
	for n := len(line) - 1; n > 0 && n > len(line)-utf8.UTFMax; n-- {
		if utf8.RuneStart(line[n]) {
			return n
		}
	}
	return len(line) // no text
}

// finishLineLocked queues the first n bytes of the unfinished line, or drops them.
func (w *Writer) finishLineLocked(n int) {
	size := len(w.prefix) + n + len("\n")
	if w.dropping = len(w.queue)+size > lineBacklog || w.dropping && len(w.queue) > lineBacklog/2; w.dropping {
		w.missing++
		w.dropped++
	} else {
		w.noteMissingLocked()
		w.enqueueLocked(w.line[:n])
	}
	w.line = append(w.line[:0], w.line[n:]...)
}

// noteMissingLocked tells the log's reader what it does not see.
func (w *Writer) noteMissingLocked() {
	if w.missing > 0 {
		w.enqueueLocked(fmt.Appendf(nil, "bookend: %d lines are missing here: the log was not read in time", w.missing))
		w.missing = 0
	}
}

func (w *Writer) enqueueLocked(text []byte) {
	w.queue = append(w.queue, w.prefix...)
	w.queue = append(w.queue, text...)
	w.queue = append(w.queue, '\n')
	if !w.started {
		w.started = true
		go w.run()
	}
	w.wakeRun()
}

func (w *Writer) wakeRun() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
