package runtime

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// graceless is how often processes must be moved for a move not to wait:
	// less than the shortest RCU grace period, a few milliseconds.
	graceless = 7 * time.Millisecond
	// hurryBound is how long moves are kept fast for one hook at most.
	hurryBound = time.Second
)

// hurryCgroupMoves keeps the moves of processes between cgroups fast until ctx
// is done, and returns at once. On cgroup v1 a move waits until no process of
// the machine is in the middle of a fork, for which the kernel lets an RCU
// grace period go by, some 10 ms, holding the lock of all cgroups; but only
// when the last move is longer ago than that (kernel/rcu/sync.c). Moves of this
// process to where it is already change nothing and get that wait over with
// while the runtime and bookend-exec have other things to do. On v2 processes
// are born into their cgroups, and there is nothing to wait for.
func (e *Executor) hurryCgroupMoves(ctx context.Context) {
	go func() {
		// Should it fail, it costs the time only.
		_ = guarded(func() error { return e.moveInPlace(ctx) })
	}()
}

func (e *Executor) moveInPlace(ctx context.Context) error {
	own, err := e.ReadCgroup(os.Getpid())
	if err != nil || own.unified {
		return err
	}
	procs, err := os.OpenFile(filepath.Join(own.dir, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer procs.Close()
	turn, err := os.Open(own.top)
	if err != nil {
		return err
	}
	defer turn.Close() // and with it the lock
	self := []byte(strconv.Itoa(os.Getpid()))
	tick := time.NewTicker(graceless)
	defer tick.Stop()
	for {
		// One process of the machine is enough.
		if unix.Flock(int(turn.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			if _, err := procs.Write(self); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
