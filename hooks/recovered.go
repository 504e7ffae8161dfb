package hooks

import (
	"fmt"
	"runtime/debug"
)

// Recovered calls f and returns its error. A panic of f is an error with the
// stack. Every goroutine that works for a container goes through it: a panic
// with no one above it would end the shim, and the supervision of all its
// containers.
func Recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
