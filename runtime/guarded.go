package runtime

import (
	"fmt"
	"runtime/debug"
)

// guarded turns a panic of f into an error. Every goroutine that works on what
// a container says goes through it: a panic with nobody above it would end the
// shim, and the supervision of all its containers.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
