package harness

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// LimitDescriptors leaves a process no descriptor of this number or above to open.
// restore gives it back what it could open before.
func LimitDescriptors(pid int, lowest uint64) (restore func() error, err error) {
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		return nil, fmt.Errorf("read the limits of process %d: %w", pid, err)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: lowest, Max: before.Max}, nil); err != nil {
		return nil, fmt.Errorf("limit the descriptors of process %d: %w", pid, err)
	}
	return func() error { return unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil) }, nil
}
