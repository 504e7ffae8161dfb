package stepper

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// stopped handles one stop and lets the process go on.
func (s *Stepper) stopped(pid int, ws unix.WaitStatus) error {
	p := s.announce(pid, nil)
	sig, event := ws.StopSignal(), int(ws)>>16
	switch {
	case event != 0:
		s.event(p, event)
		sig = 0
	case sig == unix.SIGTRAP|0x80:
		return s.syscallStop(p)
	case sig == unix.SIGSTOP && !p.begun:
		p.begun = true // a child's first stop is ptrace's, not a signal
		sig = 0
	}
	if s.detaching {
		s.detach(pid, int(sig))
	} else {
		s.resume(pid, int(sig))
	}
	return nil
}

// announce returns the process, which its parent's or its own first stop,
// whichever comes first, makes known. Of a first process the parent is nil.
func (s *Stepper) announce(pid int, parent *Process) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.procs[pid]
	if p == nil {
		p = &Process{Pid: pid, Index: s.born}
		s.born++
		s.procs[pid] = p
		if s.late {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	if parent != nil && !p.inherit {
		p.Parent, p.Mark, p.inherit = parent, p.Mark || parent.Mark, true
	}
	return p
}

func (s *Stepper) event(p *Process, event int) {
	msg, err := unix.PtraceGetEventMsg(p.Pid)
	if err != nil {
		return // killed meanwhile
	}
	switch event {
	case unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK, unix.PTRACE_EVENT_CLONE:
		// A child that has died before its first stop is forgotten with its exit.
		s.announce(int(msg), p)
	case unix.PTRACE_EVENT_EXEC:
		p.Execs++
		if int(msg) != p.Pid { // a thread that took its leader's number
			s.mu.Lock()
			if old := s.procs[int(msg)]; old != nil {
				p.Steps, p.Mark = old.Steps, old.Mark
				delete(s.procs, int(msg))
			}
			s.mu.Unlock()
		}
	}
}

func (s *Stepper) syscallStop(p *Process) error {
	if s.detaching {
		s.detach(p.Pid, 0)
		return nil
	}
	step, err := stepOf(p)
	if errors.Is(err, unix.ESRCH) { // killed meanwhile
		return nil
	}
	if err != nil {
		s.detach(p.Pid, 0)
		return fmt.Errorf("stepper: process %d: %w", p.Pid, err)
	}
	verdict := Continue
	if step != nil && (s.Returns || !step.Return) {
		verdict = s.Visit(step)
	}
	switch verdict {
	case Continue:
		s.resume(p.Pid, 0)
	case Release:
		s.detach(p.Pid, 0)
	case Detach:
		s.detaching = true
		s.detach(p.Pid, 0)
	case DetachStopped:
		s.detaching = true
		s.detach(p.Pid, int(unix.SIGSTOP))
	}
	return nil
}

// resume and detach fail where the process was killed meanwhile: its exit comes
// next.
func (s *Stepper) resume(pid, sig int) { _ = unix.PtraceSyscall(pid, sig) }

func (s *Stepper) detach(pid, sig int) {
	s.mu.Lock()
	delete(s.procs, pid)
	s.mu.Unlock()
	_, _, _ = unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(pid), 0, uintptr(sig), 0, 0)
}
