package shim

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/log"
	"golang.org/x/sync/errgroup"

	"bookend.dev/bookend/hooks/record"
	"bookend.dev/bookend/runtime"
	"bookend.dev/bookend/runtime/bundle"
)

// Stop implements [shim.Shim]: it cleans up after a shim that died. Not every
// containerd asks for more than the sandbox of a pod, so its members are ended
// first; and containerd asks as well when only the sandbox is gone and its shim
// serves the members on, who are then left alone.
func (m bootManager) Stop(ctx context.Context, id string) (shim.StopStatus, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return shim.StopStatus{}, err
	}
	bundles := filepath.Dir(cwd)
	address, addressErr := bundle.ShimAddress(filepath.Join(bundles, id))
	if addressErr == nil && !isDead(address) {
		// containerd asks for every container of a pod that was deleted.
		return m.stock.Stop(ctx, id)
	}
	members := orphans(ctx, bundles, id)
	// containerd grants five seconds for all of it, and does not ask again: what must not
	// stay goes first, and then what the runtime takes its time for, the container that was
	// asked for at the head.
	if addressErr == nil {
		killOrphans(ctx, bundles, address)
	}
	recordsOf(ctx, bundles, append(members, id)).abandon(ctx)
	st, err := m.stopAll(ctx, bundles, id, members)
	if addressErr == nil {
		removeDeadSocket(address)
	}
	return st, err
}

// stopsAtOnce bounds the clean-ups that run side by side. Most of one is waiting:
// runc looks every 100 ms whether the init that it killed has gone.
const stopsAtOnce = 8

// stopAll cleans up after a dead shim: a container's, whose exit it returns, and
// those of the members of its pod.
func (m bootManager) stopAll(ctx context.Context, bundles, id string, members []string) (st shim.StopStatus, err error) {
	var all errgroup.Group
	all.SetLimit(stopsAtOnce)
	all.Go(func() (err error) {
		st, err = m.stock.Stop(ctx, id)
		return err
	})
	for _, member := range members {
		all.Go(func() error {
			if _, err := os.Stat(filepath.Join(bundles, member)); errors.Is(err, fs.ErrNotExist) {
				return nil // the newest containerds ask for members too
			}
			if _, err := m.stock.Stop(ctx, member); err != nil {
				log.G(ctx).WithError(err).WithField("container", member).Warn("bookend: clean up after the shim's death")
			}
			return nil
		})
	}
	err = all.Wait()
	return st, err
}

// killOrphans kills the processes of all containers that a dead shim served, whichever
// of them was asked for: the newest containerds ask for each at once, and on a busy node
// one process of these comes to it in time. What hooks have left goes first: frozen, it
// would keep the init from dying.
func killOrphans(ctx context.Context, bundles, address string) {
	ids, err := bundle.ServedBy(bundles, address)
	if err != nil {
		log.G(ctx).WithError(err).Warn("bookend: look for the containers of a dead shim")
	}
	for _, id := range ids {
		dir := filepath.Join(bundles, id)
		for _, kill := range []func(string) error{runtime.KillLeftHooks, runtime.KillLeftInit} {
			if err := kill(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // another one has cleaned up
				log.G(ctx).WithError(err).WithField("container", id).Warn("bookend: processes of a dead shim")
			}
		}
	}
}

// orphans returns the members of a sandbox's pod whose shim is dead.
func orphans(ctx context.Context, bundles, sandboxID string) []string {
	members, err := bundle.PodMembers(bundles, sandboxID)
	if err != nil {
		log.G(ctx).WithError(err).WithField("sandbox", sandboxID).Warn("bookend: look for the members of the pod")
	}
	return slices.DeleteFunc(members, func(member string) bool {
		address, err := bundle.ShimAddress(filepath.Join(bundles, member))
		return err != nil || !isDead(address)
	})
}

// leftRecords is where containers of dead shims have records: their ids by
// directory.
type leftRecords map[string][]string

// recordsOf asks the bundles, which are there as long as nothing has been
// cleaned up.
func recordsOf(ctx context.Context, bundles string, ids []string) leftRecords {
	left := leftRecords{}
	for _, id := range ids {
		dir, err := bundle.ReadRecordsDir(filepath.Join(bundles, id))
		if err != nil {
			log.G(ctx).WithError(err).Warn("bookend: records of a dead shim")
		}
		if dir != "" {
			left[dir] = append(left[dir], id)
		}
	}
	return left
}

// abandon completes the records of containers whose shims died, and does
// nothing to those of a shim that lives. It is for the process that cleans up
// after shims.
func (l leftRecords) abandon(ctx context.Context) {
	namespace, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return
	}
	var all sync.WaitGroup
	for dir, ids := range l { // side by side: each may hang, until its time is up
		all.Go(func() {
			store := record.Open(dir, record.Limits{})
			store.Log = func(err error) { log.G(ctx).WithError(err).Warn("bookend: records of a dead shim") }
			store.Abandon(namespace, ids...)
		})
	}
	all.Wait()
}

// dialBound is for a connection that the kernel neither makes nor refuses.
const dialBound = 10 * time.Second

// isDead tells whether no one listens at a shim's address any more, which is
// the case only where the kernel says so. That a shim cannot be reached in time
// proves nothing: on a busy node containerd's own CanConnect, with its 100 ms,
// takes living shims for dead.
func isDead(address string) bool {
	conn, err := shim.AnonDialer(address, dialBound)
	if err == nil {
		conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist)
}

// removeDeadSocket removes the socket of a shim that did not live to do it.
func removeDeadSocket(address string) {
	if isDead(address) {
		_ = shim.RemoveSocket(address)
	}
}
