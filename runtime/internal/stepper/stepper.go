// Package stepper stops a process, and all that it forks, before each of its
// system calls, for tests that do something at every step of a program: kill
// it there, or change the files that it is about to look at. It is ptrace(2):
// a stop is a place in the program, and no hope to hit one.
//
// # Concurrency
//
// All of one tree is traced by one goroutine on a thread of its own, because
// ptrace(2) obeys the tracing thread alone. Visit is called there, one stop at
// a time, while the process it is called for stands still. The others run on to
// their next stop. When the tracing thread ends, what it traces is killed. At the
// deadline another goroutine, a timer's, kills the tree; a mutex guards what the two
// share.
package stepper

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Verdict is what happens after a stop.
type Verdict int

const (
	// Continue goes on to the next stop.
	Continue Verdict = iota
	// Detach lets go of the whole tree: it runs on untraced.
	Detach
	// DetachStopped is Detach, and the process at its stop gets a SIGSTOP,
	// which it takes when it has returned from the call that it was stopped at.
	DetachStopped
	// Release lets go of this process alone.
	Release
)

// Step is one stop.
type Step struct {
	*Process
	N      int       // of this process, from 1
	Nr     uint64    // of the system call
	Args   [6]uint64 // its arguments
	Return bool      // it has returned; such stops count as the step before
	Result int64     // of Return: what it returned, negative errno on failure
}

// String is "process 1, step 17 (setns)".
func (s *Step) String() string {
	return fmt.Sprintf("process %d, step %d (%s)", s.Index, s.N, Name(s.Nr))
}

// Process is one process or thread of the tree.
type Process struct {
	Pid    int      // thread id
	Parent *Process // nil: the first
	Index  int      // in the order of birth, from 0
	Execs  int      // how often it has executed a program since it was first stopped
	Steps  int      // how many system calls it has begun
	Mark   bool     // the visitor's; inherited at birth

	begun   bool  // its first stop has been
	inherit bool  // it was announced by its parent
	last    *Step // that it was stopped at
}

// Stepper traces one tree. Its fields are set before Start.
type Stepper struct {
	// Visit is called at each stop. It MUST return.
	Visit func(*Step) Verdict
	// Returns asks for a stop when a call has returned, too.
	Returns bool
	// Deadline is when all that is still traced is killed; 0: a minute.
	Deadline time.Duration

	mu    sync.Mutex
	procs map[int]*Process // that are traced now
	late  bool             // the deadline has passed

	detaching bool
	born      int
	first     int // pid of the first process
}

// Exit is the end of a traced process.
type Exit struct {
	Pid    int
	Status unix.WaitStatus
	Err    error // ErrLate, or what went wrong in tracing
}

// Start starts cmd. It is stopped for the first time when its program has been
// executed and before that has done anything. The end of the first process is
// sent once; cmd.Wait MUST NOT be called, for that would take stops for exits.
func (s *Stepper) Start(cmd *exec.Cmd) (<-chan Exit, error) {
	started, exit := make(chan error, 1), make(chan Exit, 1)
	go onChildlessThread(func() {
		if err := s.start(cmd); err != nil {
			started <- err
			return
		}
		started <- nil
		defer close(exit)
		stop := s.watch(cmd.Process.Kill)
		defer stop()
		s.trace(exit)
	}, started)
	return exit, <-started
}

// onChildlessThread calls trace on a thread that is never used again: what it
// might still trace is killed with it. The thread has forked nothing before,
// whose end it would take from those who wait for that.
func onChildlessThread(trace func(), failed chan<- error) {
	runtime.LockOSThread()
	children, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", unix.Gettid()))
	switch {
	case err != nil:
		failed <- fmt.Errorf("stepper: %w", err)
	case len(children) == 0:
		trace()
	default:
		// Locked here, this thread is not the one of that goroutine.
		done := make(chan struct{})
		go func() { defer close(done); onChildlessThread(trace, failed) }()
		<-done
		runtime.UnlockOSThread()
	}
}

func (s *Stepper) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	s.procs = map[int]*Process{}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.first = cmd.Process.Pid
	var ws unix.WaitStatus
	if _, err := wait4(s.first, &ws); err != nil {
		return fmt.Errorf("stepper: wait for the first stop: %w", err)
	}
	if !ws.Stopped() {
		return fmt.Errorf("stepper: first stop of %s: %#x", cmd.Path, ws)
	}
	const options = unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEEXEC |
		unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE
	if err := unix.PtraceSetOptions(s.first, options); err != nil {
		_ = unix.Kill(s.first, unix.SIGKILL)
		return fmt.Errorf("stepper: options: %w", err)
	}
	s.announce(s.first, nil).begun = true
	s.resume(s.first, 0)
	return nil
}

// watch kills the tree at the deadline, unless stopped first; of one that has
// been let go, the first process.
func (s *Stepper) watch(killFirst func() error) (stop func() bool) {
	deadline := s.Deadline
	if deadline == 0 {
		deadline = time.Minute
	}
	return time.AfterFunc(deadline, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.late = true
		_ = killFirst()
		for pid := range s.procs {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}).Stop
}

// trace goes from stop to stop until nothing is left to wait for.
func (s *Stepper) trace(exit chan<- Exit) {
	var err error
	for {
		var ws unix.WaitStatus
		pid, werr := wait4(-1, &ws)
		if werr != nil { // ECHILD
			return
		}
		if ws.Stopped() {
			if e := s.stopped(pid, ws); e != nil && err == nil {
				err = e
			}
			continue
		}
		s.mu.Lock()
		delete(s.procs, pid)
		late := s.late
		s.mu.Unlock()
		if pid == s.first {
			if late {
				err = ErrLate
			}
			exit <- Exit{Pid: pid, Status: ws, Err: err}
		}
	}
}

// wait4 waits for what this thread has started or traces, and nothing else of
// this process.
func wait4(pid int, ws *unix.WaitStatus) (int, error) {
	for {
		got, err := unix.Wait4(pid, ws, unix.WALL|unix.WNOTHREAD, nil)
		if !errors.Is(err, unix.EINTR) {
			return got, err
		}
	}
}
