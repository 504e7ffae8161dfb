package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/wire"
)

// lateOutput is how long output is kept after the hook has ended.
const lateOutput = time.Second

// execRun is one run of the program that brings a hook into its container, and
// what the hook started under it.
//
//	joiner or bookend-exec   in the shim's cgroup, child of the shim
//	└── hook                 in cgroup, joined before it can run the command
//	    └── children         in cgroup too, whatever else they leave behind
type execRun struct {
	by             string // ByJoiner or ByRuntime
	cmd            *exec.Cmd
	container      Container
	cgroup         *hookCgroup          // nil: none could be made
	stdout, stderr *output              // of the hook
	stdoutLines    *containerlog.Writer // where the hook's output goes besides; nil: nowhere
	stderrLines    *containerlog.Writer
	complaints     *output  // of bookend-exec; nil: the joiner has none
	said           *os.File // where it says what becomes of the hook
	startPipe      *os.File // lets a hook go on that waits for its container's start; nil: it does not wait

	reaped  chan struct{} // closed when the program has ended and status is set
	started chan struct{} // closed when pid is set or never will be
	done    chan struct{} // closed when last is set, or the program was reaped without a word
	pid     int           // of the hook's first process; 0: none was started
	session *proc.Session // that it is in
	last    wire.Status   // exit, failure or neither
	step    joiner.Step   // of a failure of the joiner
	status  int           // of the program, if last is neither
}

// newExecRun makes the cgroup that a hook is to run in, and opens its pipes. It
// returns the ends that become the hook's.
func newExecRun(ctx context.Context, h *execHandler, by string) (r *execRun, stdout, stderr *os.File, err error) {
	c := h.container
	r = &execRun{
		by: by, container: c,
		started: make(chan struct{}), done: make(chan struct{}), reaped: make(chan struct{}),
	}
	if r.stdout, stdout, err = newOutput(); err != nil {
		return nil, nil, nil, err
	}
	if r.stderr, stderr, err = newOutput(); err != nil {
		stdout.Close()
		return nil, nil, nil, err
	}
	r.stdoutLines, r.stderrLines = h.log.Writers(ctx, c.ID)
	logger := log.G(ctx).WithField("container", c.ID)
	if err := c.Cgroup.note(c.Bundle); err != nil {
		logger.WithError(err).Warn("should this shim die, an exec hook that is frozen is not thawed")
	}
	// Where the container's own cgroup is gone, so is the container.
	if r.cgroup, err = c.Cgroup.newHookCgroup(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.WithError(err).
			Warn("exec hook gets no cgroup of its own: cancelled, only its session and what descends from it are killed")
	}
	return r, stdout, stderr, nil
}

// launch starts the program. next reads what it says from said, whose other end
// the program must have been given.
func (r *execRun) launch(m Monitor, cmd *exec.Cmd, next func() (wire.Status, error)) error {
	r.cmd = cmd
	exit, err := m.Start(cmd)
	if err != nil {
		return fmt.Errorf("start %s for container %s: %w", cmd.Args[0], r.container.ID, err)
	}
	go func() {
		defer close(r.reaped)
		r.status, _ = m.Wait(cmd, exit) // read only after reaped
	}()
	go r.follow(next)
	return nil
}

// follow reads what the program says until it has said all or has ended. It does
// not wait for the program to exit after its last word.
func (r *execRun) follow(next func() (wire.Status, error)) {
	defer close(r.done)
	defer r.said.Close()
	begun := sync.OnceFunc(func() { close(r.started) })
	defer begun() // without a pid, if it never came
	if err := hooks.Recovered(func() error { r.listen(next, begun); return nil }); err != nil {
		log.L.WithError(err).Error("what becomes of an exec hook")
	}
}

// listen is follow; begun is called when the pid is known.
func (r *execRun) listen(next func() (wire.Status, error), begun func()) {
	for r.last.Exit == nil && r.last.Failure == nil {
		s, err := next()
		if err != nil {
			<-r.reaped
			break
		}
		if s.Pid != 0 && r.pid == 0 {
			r.pid, r.session = s.Pid, proc.NewSession(s.Pid, cmp.Or(s.Session, s.Pid))
			if s.OutsideCgroup {
				log.L.WithField("pid", r.pid).Warn("the runtime started an exec hook outside of the hook's cgroup; what it forked before it was moved there is killed only as far as it is of its session")
			}
			r.stdout.forward(r.stdoutLines)
			r.stderr.forward(r.stderrLines)
			begun()
		}
		if s.Exit != nil || s.Failure != nil {
			r.last = s
		}
	}
}

// ended tells whether the program has said its last word, or has ended without:
// only then may last be read.
func (r *execRun) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// await waits for the end of the hook's first process, or of ctx: then it ends
// the hook.
func (r *execRun) await(ctx context.Context) {
	select {
	case <-r.done:
	case <-ctx.Done():
		r.kill(ctx)
	}
}

// finish ends the keeping of output: without late at once, else when the last
// writer is gone, after the second that late output is kept for at the latest.
// It does not wait for that. late, which has room for one value, gets what was
// printed until then, and is closed.
func (r *execRun) finish(late chan<- hooks.Printed) {
	r.release()
	until := time.Now().Add(lateOutput)
	if r.complaints != nil {
		r.complaints.forget(until)
	}
	if late == nil {
		r.stdout.forget(until)
		r.stderr.forget(until)
		return
	}
	go func() {
		ctx, stop := context.WithDeadline(context.Background(), until)
		defer stop()
		r.stdout.awaitEnd(ctx)
		r.stderr.awaitEnd(ctx)
		stdout, _ := r.stdout.drain()
		stderr, _ := r.stderr.drain()
		r.stdout.forget(until)
		r.stderr.forget(until)
		late <- hooks.Printed{Stdout: stdout, Stderr: stderr}
		close(late)
	}()
}

// release closes the start pipe and removes the hook's cgroup unless processes are
// left in it, on purpose: it then goes when the runtime deletes the container.
func (r *execRun) release() {
	if r.startPipe != nil {
		r.startPipe.Close()
	}
	if r.cgroup != nil {
		r.cgroup.remove()
	}
}
