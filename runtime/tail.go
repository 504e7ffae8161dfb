package runtime

import "bytes"

// tail keeps the last outputTail bytes written to it, in at most twice the
// memory.
type tail struct{ buf []byte }

func (t *tail) write(p []byte) {
	if over := len(p) - outputTail; over > 0 {
		p = p[over:]
	}
	if len(t.buf)+len(p) > 2*outputTail {
		t.buf = append(t.buf[:0], t.last()...)
	}
	t.buf = append(t.buf, p...)
}

// bytes returns a copy of the tail; nil if nothing was written.
func (t *tail) bytes() []byte { return bytes.Clone(t.last()) }

func (t *tail) last() []byte { return t.buf[max(0, len(t.buf)-outputTail):] }
