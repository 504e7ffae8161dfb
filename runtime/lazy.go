package runtime

import (
	"io"
	"sync"
)

// lazy is what a shim opens when it is first needed. That this failed is forgotten:
// a shim can be short of descriptors for a moment.
type lazy[T io.Closer] struct {
	open func() (T, error)

	mu     sync.Mutex
	opened bool
	value  T
}

// get returns the value, which stays the lazy's.
func (l *lazy[T]) get() (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened {
		return l.value, nil
	}
	value, err := l.open()
	if err == nil {
		l.value, l.opened = value, true
	}
	return value, err
}

func (l *lazy[T]) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.opened {
		return nil
	}
	return l.value.Close()
}
