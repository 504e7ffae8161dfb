package look

import (
	"io"
	"sync"
	"time"
)

// bounded is a body of which no more than so many bytes are read, and none after
// it has been quiet for too long.
type bounded struct {
	body  io.ReadCloser
	left  int64 // below 0: without limit
	quiet time.Duration
	timer *time.Timer

	mu     sync.Mutex
	silent bool
}

// newBounded bounds a body; most below 0 means no bound of its size.
func newBounded(body io.ReadCloser, most int64, quiet time.Duration) *bounded {
	b := &bounded{body: body, left: most, quiet: quiet}
	b.timer = time.AfterFunc(quiet, b.giveUp)
	b.timer.Stop() // it runs while a Read waits
	return b
}

// giveUp frees a Read that waits.
func (b *bounded) giveUp() {
	b.mu.Lock()
	b.silent = true
	b.mu.Unlock()
	b.body.Close()
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errTooLarge
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	b.timer.Reset(b.quiet)
	n, err := b.body.Read(p)
	b.timer.Stop()
	if b.left > 0 {
		b.left -= int64(n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.silent {
		return n, errSilent
	}
	return n, err
}

// Close implements [io.Closer].
func (b *bounded) Close() error {
	b.timer.Stop()
	return b.body.Close()
}
