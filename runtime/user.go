package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/moby/sys/user"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/wire"
)

// userFileLimit bounds /etc/passwd and /etc/group of a container, in bytes.
const userFileLimit = 1 << 20

// userInContainer resolves spec in the container with that init. It does
// not outlast ctx: a container may serve its own file system, and keep whoever
// reads it waiting.
func userInContainer(ctx context.Context, spec string, i Init) (*wire.User, error) {
	var found *wire.User
	failed := make(chan error, 1)
	go func() {
		failed <- hooks.Recovered(func() error {
			root, err := i.OpenRoot()
			if err != nil {
				return err
			}
			defer root.Close()
			found, err = lookupUser(spec, func(path string) ([]byte, error) {
				return proc.ReadFileInRoot(root, path, userFileLimit)
			})
			return err
		})
	}()
	select {
	case err := <-failed:
		return found, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// lookupUser resolves "uid", "uid:gid", "name" or "name:group" with the
// container's own /etc/passwd and /etc/group, read by readFile. A container
// without these files has numeric users only. The further groups are those that
// the files give the user, none where a group is named, as everywhere that takes
// users in this form. The user's own group is always among them, as for an
// entrypoint: else a setgid program would shed it, and with it what it is denied.
func lookupUser(spec string, readFile func(path string) ([]byte, error)) (*wire.User, error) {
	passwd, err := userFile("/etc/passwd", readFile)
	if err != nil {
		return nil, err
	}
	group, err := userFile("/etc/group", readFile)
	if err != nil {
		return nil, err
	}
	u, err := user.GetExecUser(spec, nil, passwd, group)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", spec, err)
	}
	found := &wire.User{UID: uint32(u.Uid), GID: uint32(u.Gid), AdditionalGids: []uint32{uint32(u.Gid)}}
	for _, gid := range u.Sgids {
		if gid != u.Gid {
			found.AdditionalGids = append(found.AdditionalGids, uint32(gid))
		}
	}
	return found, nil
}

// userFile returns an empty file in place of one that does not exist.
func userFile(path string, readFile func(path string) ([]byte, error)) (io.Reader, error) {
	data, err := readFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return bytes.NewReader(data), nil
}
