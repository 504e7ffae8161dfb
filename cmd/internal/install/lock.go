package install

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the lock of flock(2) on the directory itself, which leaves no file
// behind and ends with the process.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		err = fmt.Errorf("%s: %w", dir, ErrBusy)
	case err != nil:
		err = fmt.Errorf("lock %s: %w", dir, err)
	default:
		return func() { _ = f.Close() }, nil
	}
	_ = f.Close()
	return nil, err
}
