package runtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/containerd/log"

	"bookend.dev/bookend/runtime/wire"
)

const (
	// lateOutput is how long output is kept after the hook has ended.
	lateOutput = time.Second
	// KillBound is how long each step in the killing of a cancelled hook may
	// take, of which there are two: bookend-exec, or word of its pid, and then
	// the hook's processes. In a paused container they die only when it goes on.
	KillBound = 2 * time.Second
	// killOnBound is how long their killing goes on after that.
	killOnBound = time.Minute
)

// execRun is one run of bookend-exec, and what the hook started under it.
//
//	bookend-exec        in the shim's cgroup, child of the shim
//	└── hook            in cgroup, joined before it can run the command
//	    └── children    in cgroup too, whatever else they leave behind
type execRun struct {
	cmd            *exec.Cmd
	cgroup         *hookCgroup // nil: none could be made
	runner         *Runner     // nil: not to be chosen
	stdout, stderr *output     // of the hook
	log            *output     // of bookend-exec
	stdoutLines    *lineWriter // where the hook's output goes besides; nil: nowhere
	stderrLines    *lineWriter
	request        *os.File // where bookend-exec reads its request
	said           *os.File // where it says what becomes of it
	gate           *os.File // opens the gate of a gated request; nil: it has none

	relax context.CancelFunc // ends the hurry about moves between cgroups

	reaped  chan struct{} // closed when bookend-exec has ended and status is set
	started chan struct{} // closed when pid is set or never will be
	done    chan struct{} // closed when last is set, or bookend-exec was reaped without a word
	pid     int           // of the hook's first process; 0: none was started
	session int           // that it is in
	stray   bool          // it was started outside of cgroup
	last    wire.Status   // exit, failure or neither
	status  int           // of bookend-exec, if last is neither
}

// start starts bookend-exec with req in a cgroup of the hook's own. What the
// hook prints also goes into lines.
func (e *Executor) start(ctx context.Context, c Container, req wire.Request, lines *HookLog) (*execRun, error) {
	r := newExecRun()
	r.place(ctx, c, lines)
	if err := r.launch(e, req.Gated); err != nil {
		r.release()
		return nil, fmt.Errorf("start bookend-exec for container %s: %w", c.ID, err)
	}
	return r, r.begin(c, req)
}

func newExecRun() *execRun {
	return &execRun{
		relax:   func() {},
		started: make(chan struct{}), done: make(chan struct{}), reaped: make(chan struct{}),
	}
}

// place makes the cgroup that the hook is to run in, and opens lines.
func (r *execRun) place(ctx context.Context, c Container, lines *HookLog) {
	r.stdoutLines, r.stderrLines = lines.writers(ctx, c.ID)
	logger := log.G(ctx).WithField("id", c.ID)
	if err := c.Cgroup.note(c.Bundle); err != nil {
		logger.WithError(err).Warn("should this shim die, an exec hook that is frozen is not thawed")
	}
	var err error
	// Where the container's own cgroup is gone, so is the container.
	if r.cgroup, err = c.Cgroup.newHookCgroup(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.WithError(err).
			Warn("exec hook gets no cgroup of its own: cancelled, only the processes of its session are killed")
	}
}

// launch starts bookend-exec, which then waits for its request. The child's
// ends are closed here in any case, so that the readers see the end of file.
func (r *execRun) launch(e *Executor, gated bool) (err error) {
	defer func() {
		if err != nil {
			r.closeOwnEnds()
		}
	}()
	var request, statusEnd *os.File
	if request, r.request, err = os.Pipe(); err != nil {
		return err
	}
	defer request.Close()
	if r.said, statusEnd, err = os.Pipe(); err != nil {
		return err
	}
	defer statusEnd.Close()
	var ends [3]*os.File
	for i, o := range []**output{&r.stdout, &r.stderr, &r.log} {
		if *o, ends[i], err = newOutput(); err != nil {
			return err
		}
		defer ends[i].Close()
	}
	stdoutEnd, stderrEnd, logEnd := ends[0], ends[1], ends[2]
	inherited := []*os.File{statusEnd, stdoutEnd, stderrEnd}
	if gated {
		var gateEnd *os.File
		if gateEnd, r.gate, err = os.Pipe(); err != nil {
			return err
		}
		defer gateEnd.Close()
		inherited = append(inherited, gateEnd)
	}
	r.cmd = e.command(request, logEnd, inherited...)
	exit, err := e.monitor.Start(r.cmd)
	if err != nil {
		return err
	}
	var hurry context.Context
	hurry, r.relax = context.WithTimeout(context.Background(), hurryBound)
	e.hurryCgroupMoves(hurry)
	go func() {
		defer close(r.reaped)
		defer r.relax()
		r.status, _ = e.monitor.Wait(r.cmd, exit) // read only after reaped
	}()
	return nil
}

// begin hands bookend-exec its request, to be carried out in c, where the run
// was placed. In an error the run has ended.
func (r *execRun) begin(c Container, req wire.Request) error {
	if r.cgroup != nil {
		req.SubCgroups = r.cgroup.subCgroups()
	}
	req.Runtime, r.runner = c.Runner.request(c, r.cgroup), c.Runner
	data, err := json.Marshal(req)
	if err != nil {
		r.closeOwnEnds()
		r.release()
		return fmt.Errorf("exec hook's request for container %s: %w", c.ID, err)
	}
	go r.tell(data)
	go r.follow()
	return nil
}

// tell writes the request, which need not fit into a pipe at once. A
// bookend-exec that has died meanwhile is noticed by follow.
func (r *execRun) tell(data []byte) {
	_, _ = r.request.Write(data)
	r.request.Close()
}

// closeOwnEnds closes the ends of the pipes that are the shim's. A bookend-exec
// that waits for its request exits.
func (r *execRun) closeOwnEnds() {
	for _, f := range []*os.File{r.request, r.said, r.gate} {
		f.Close() // of a nil File it is an error and nothing else
	}
}

// follow reads what bookend-exec says until it has said all or has ended. What
// it takes to exit, with its last word out, nobody needs to wait for.
func (r *execRun) follow() {
	defer close(r.done)
	defer r.said.Close()
	begun := sync.OnceFunc(func() { close(r.started) })
	defer begun() // without a pid, if it never came
	if err := guarded(func() error { r.listen(begun); return nil }); err != nil {
		log.L.WithError(err).Error("what bookend-exec says of an exec hook")
	}
}

// listen is follow; begun is called when the pid is known.
func (r *execRun) listen(begun func()) {
	lines := json.NewDecoder(r.said)
	for r.last.Exit == nil && r.last.Failure == nil {
		var s wire.Status
		if lines.Decode(&s) != nil {
			<-r.reaped
			break
		}
		if s.Choice != nil {
			r.runner.chosen(*s.Choice)
		}
		if s.Pid != 0 && r.pid == 0 {
			r.pid, r.session, r.stray = s.Pid, cmp.Or(s.Session, s.Pid), s.Stray
			if r.stray {
				log.L.WithField("pid", r.pid).Warn("the runtime started an exec hook outside of the hook's cgroup; what it forked before it was moved there is killed only in its session")
			}
			r.relax()
			if r.gate == nil { // else it has its command to become yet
				r.stdout.forward(r.stdoutLines)
				r.stderr.forward(r.stderrLines)
			}
			begun()
		}
		r.last = s
	}
}

// failed tells whether bookend-exec said that the command was not run.
func (r *execRun) failed() bool {
	select {
	case <-r.done:
		return r.last.Failure != nil
	default:
		return false
	}
}

// kill ends bookend-exec and everything the hook started. bookend-exec goes
// first: a process of its making that has not joined the cgroup yet waits for
// word from it, gets the end of file instead, and exits.
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
		log.G(ctx).Error("bookend-exec does not die of SIGKILL; left behind")
	}
	r.killTree(ctx)
}

// killTree ends what the hook started; as far as it is in the hook's session,
// where there is no cgroup to tell. A session's number is not used again while
// it has members.
func (r *execRun) killTree(ctx context.Context) {
	select {
	case <-r.started: // the pid can be read
		if r.pid != 0 && (r.cgroup == nil || r.stray) {
			killSession(ctx, r.session)
		}
	default:
	}
	if r.cgroup == nil {
		return
	}
	if err := r.cgroup.kill(KillBound); err != nil {
		log.G(ctx).WithError(err).Warn("processes of a cancelled exec hook are left; they are killed as soon as that is possible")
		go r.killOn(context.WithoutCancel(ctx))
	}
}

// killOn goes on killing where the machine is too busy for it to be done in
// time, and nobody waits for it any more.
func (r *execRun) killOn(ctx context.Context) {
	err := guarded(func() error { return r.cgroup.kill(killOnBound) })
	r.cgroup.remove()
	if err != nil {
		log.G(ctx).WithError(err).Error("processes of a cancelled exec hook are left")
	}
}

// finish ends the keeping of output, at once or, when late wants it and
// somebody may still write, after the second that late output is kept for. It
// does not wait for that.
func (r *execRun) finish(late func(stdout, stderr []byte)) {
	r.release()
	until := time.Now().Add(lateOutput)
	r.log.forget(until)
	if late == nil || (r.stdout.ended() && r.stderr.ended()) {
		r.stdout.forget(until)
		r.stderr.forget(until)
		return
	}
	go func() {
		ctx, stop := context.WithDeadline(context.Background(), until)
		defer stop()
		r.stdout.awaitEnd(ctx)
		r.stderr.awaitEnd(ctx)
		stdout, stderr := r.stdout.drain(), r.stderr.drain()
		r.stdout.forget(until)
		r.stderr.forget(until)
		err := guarded(func() error { late(stdout, stderr); return nil })
		if err != nil {
			log.L.WithError(err).Error("late output of an exec hook")
		}
	}()
}

// release closes the gate and removes the hook's cgroup unless processes are
// left in it, on purpose: it then goes when the runtime deletes the container.
func (r *execRun) release() {
	if r.gate != nil {
		r.gate.Close()
	}
	if r.cgroup != nil {
		r.cgroup.remove()
	}
}
