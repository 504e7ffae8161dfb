package runtime

import (
	"os"
	"path/filepath"
	"strconv"
)

// hurryCgroupMoves makes the moves of processes between cgroups that begin some
// milliseconds later fast, and returns at once. On cgroup v1 a move waits until
// no process of the machine is in the middle of a fork, for which the kernel
// lets an RCU grace period go by, some 10 ms; but only if the last move is
// longer ago than that (kernel/rcu/sync.c). A move of this process to where it
// is already changes nothing and gets the wait over with, beside all the rest
// that a hook needs before it is moved. On v2 hooks are born into their cgroup.
func hurryCgroupMoves(of Cgroup) {
	if of.unified {
		return
	}
	go func() {
		// Should it fail, it costs the time only.
		_ = guarded(func() error {
			own, err := ReadCgroup(os.Getpid())
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(own.dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
		})
	}()
}
