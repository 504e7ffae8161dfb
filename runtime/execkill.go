package runtime

import (
	"context"
	"time"

	"github.com/containerd/log"
)

const (
	// KillBound is how long each step in the killing of a cancelled hook may
	// take, of which there are two: the joiner or bookend-exec, or word of its
	// pid, and then the hook's processes. In a paused container they die only
	// when it goes on.
	KillBound = 2 * time.Second
	// killOnBound is how long their killing goes on after that.
	killOnBound = time.Minute
)

// kill ends the program and everything the hook started. The program goes
// first: a process of its making that has not joined the cgroup yet dies with
// it, or waits for its word, gets the end of file instead, and exits.
//
// Without a cgroup the hook is found by its pid alone, and may run before that
// is known here: it is awaited.
func (r *execRun) kill(ctx context.Context) {
	if r.cgroup == nil {
		select {
		case <-r.started:
		case <-time.After(KillBound):
		}
	}
	_ = r.cmd.Process.Kill() // an error means that it has ended
	select {
	case <-r.done:
	case <-time.After(KillBound):
		log.G(ctx).Errorf("%s does not die of SIGKILL; left behind", r.cmd.Args[0])
	}
	r.killTree(ctx)
}

// killTree ends what the hook started: first what is of its session, for some
// of that may have left the cgroup, then what is in the cgroup. That order keeps
// descendants known by their parents.
func (r *execRun) killTree(ctx context.Context) {
	select {
	case <-r.started: // the pid can be read
		if r.session != nil {
			if err := killSession(r.session, r.container.Cgroup, r.container.Init, KillBound); err != nil {
				log.G(ctx).WithError(err).Warn("processes of a cancelled exec hook's session are left")
			}
		}
	default:
	}
	if r.cgroup == nil {
		return
	}
	if err := r.cgroup.kill(KillBound); err != nil {
		log.G(ctx).WithError(err).Warn("processes of a cancelled exec hook are left; they are killed as soon as that is possible")
		r.cgroup.killOn(killOnBound, func(err error) {
			if err != nil {
				log.G(ctx).WithError(err).Error("processes of a cancelled exec hook are left")
			}
		})
	}
}

// abandon ends a run of which nothing is wanted any more. A hook that waits for
// its container's start, where it can still run, is gone first.
func (r *execRun) abandon(ctx context.Context) {
	if r.startPipe != nil {
		r.startPipe.Close()
	}
	if r.ended() {
		r.killTree(ctx)
	} else {
		r.kill(ctx)
	}
	r.awaitClosed(ctx)
	r.finish(nil)
}

// awaitClosed waits for the end of a process that the joiner had made and told
// no one of: it dies with the joiner, and is the last that holds the hook's output.
func (r *execRun) awaitClosed(ctx context.Context) {
	if r.by != ByJoiner || r.pid != 0 {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), KillBound)
	defer stop()
	r.stdout.awaitEnd(ctx)
}
