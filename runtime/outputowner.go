package runtime

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/joiner"
)

// A hook can open its own /dev/stdout only if that belongs to its user: the pipes
// are given away before it starts.

// giveTo gives the pipes of a hook to the user who runs its command. A user that
// is not mapped gets none.
func (p *ContainerPlan) giveTo(uid uint32, files joiner.Files) error {
	user, group, ok := p.HostOwner(uid)
	if !ok {
		return nil
	}
	return errors.Join(files.Stdout.Chown(user, group), files.Stderr.Chown(user, group))
}

// HostOwner is who owns, on the host, what a user of the container is given: the
// user's id there, and the group of the container's root, or -1 where the group
// stays; ok is false for a user that is not mapped.
func (p *ContainerPlan) HostOwner(uid uint32) (user, group int, ok bool) {
	if p.Template.Namespaces&unix.CLONE_NEWUSER == 0 {
		return int(uid), -1, true
	}
	if user, ok = p.uids.Outside(uid); !ok {
		return 0, 0, false
	}
	if group, ok = p.gids.Outside(0); !ok {
		group = -1
	}
	return user, group, true
}

// giveToRoot gives the pipes of a hook to the root of the init's user namespace:
// it is the runtime that finds out which user runs the command.
func (i Init) giveToRoot(stdout, stderr *os.File) error {
	dir, err := i.Open()
	if err != nil {
		return err
	}
	defer dir.Close()
	uids, gids, err := dir.ReadIDMaps()
	if err != nil {
		return err
	}
	user, mapped := uids.Outside(0)
	group, groupMapped := gids.Outside(0)
	if !mapped || !groupMapped {
		return errNoRoot
	}
	return errors.Join(stdout.Chown(user, group), stderr.Chown(user, group))
}
