package nodeinstall

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock waits for other agents of this node; nil: ctx was done before.
func (in *Installer) lock(ctx context.Context) (unlock func()) {
	for ctx.Err() == nil {
		f, err := lockFile(filepath.Join(in.State, lockName))
		if err == nil {
			return func() { _ = f.Close() }
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			in.Log.Warn("lock: " + err.Error())
		}
		in.wait(ctx, in.Pauses.Soon)
	}
	return nil
}

const lockName = "install.lock"

func lockFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
