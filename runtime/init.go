package runtime

import (
	"fmt"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
)

// Init is a container's init process.
type Init struct{ proc.Process }

// ReadInit returns the process pid, which must exist.
func ReadInit(pid int) (Init, error) {
	p, err := proc.Find(pid)
	if err != nil {
		return Init{}, fmt.Errorf("init process %d: %w", pid, err)
	}
	return Init{p}, nil
}

// Liveness is what is known of the process now.
func (i Init) Liveness() hooks.Liveness {
	alive, err := i.Alive()
	switch {
	case err != nil:
		return hooks.CannotSay
	case alive:
		return hooks.Alive
	}
	return hooks.Gone
}
