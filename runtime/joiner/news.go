package joiner

import (
	"encoding/binary"
	"fmt"
	"io"
	"syscall"
)

// Kind says what a [News] tells.
type Kind uint32

// The kinds, as in src/joiner.h. At most one Started comes, and then one of Failed and
// Ended. If the pipe ends before that, the joiner has died.
const (
	Started Kind = 1 + iota // the hook's process exists, in its cgroup
	Failed                  // the command was not run
	Ended                   // the hook's process has ended and was reaped
)

// News is one thing that the joiner tells.
type News struct {
	Kind     Kind
	Pid      int                // Started: in the pid namespace of the shim
	Step     Step               // Failed
	Errno    syscall.Errno      // Failed; may be 0
	Status   syscall.WaitStatus // Ended
	NeverRan bool               // Ended: the process died before it became the command
}

// Read reads the next one. It returns [io.EOF] at the end.
func Read(r io.Reader) (News, error) {
	var raw struct {
		Kind, Step uint32
		Value      int32
	}
	if err := binary.Read(r, binary.NativeEndian, &raw); err != nil {
		return News{}, err
	}
	n := News{Kind: Kind(raw.Kind)}
	switch n.Kind {
	case Started:
		n.Pid = int(raw.Value)
	case Failed:
		n.Step, n.Errno = Step(raw.Step), syscall.Errno(raw.Value)
	case Ended:
		n.Status, n.NeverRan = syscall.WaitStatus(raw.Value), raw.Step != 0
	default:
		return News{}, fmt.Errorf("the joiner tells something unknown: %d", raw.Kind)
	}
	return n, nil
}

// Step is where the joiner failed: enum step of src/joiner.h.
type Step uint32

// The steps that others ask for. Up to and with JoinCgroup nothing of the hook was in
// the container, and it can be run another way.
const (
	OpenInit       Step = 3
	CheckInit      Step = 4
	JoinNamespaces Step = 9
	JoinCgroup     Step = 13
	Stdin          Step = 23
	Cwd            Step = 30
	LookUp         Step = 33
	Exec           Step = 35
)

// stepNames say what each step does, in words for a log.
var stepNames = [...]string{
	"", "read plan", "open /proc", "open init", "check init", "open cgroup", "raise limits", "set oom_score_adj",
	"become undumpable", "join namespaces", "become root of user namespace", "make pipes", "fork", "join cgroup",
	"make session", "make cgroup namespace", "label keyring", "join session keyring", "set no_new_privs",
	"set scheduler", "set io priority", "set personality", "set label", "open stdin", "set limits", "load seccomp program",
	"drop bounding set", "set groups", "set gid", "set uid", "chdir", "chdir: outside of the container's root",
	"set capabilities", "exec", "exec: cannot run executable found relative to current directory", "exec",
}

// String says what the step does.
func (s Step) String() string {
	if int(s) < len(stepNames) && s > 0 {
		return stepNames[s]
	}
	return fmt.Sprintf("step %d", uint32(s))
}

// Gone tells whether the joiner failed because the init is dead.
func (n News) Gone() bool {
	return n.Kind == Failed && n.Errno == syscall.ESRCH &&
		(n.Step == OpenInit || n.Step == CheckInit || n.Step == JoinNamespaces)
}

// Error describes a failure: "chdir: no such file or directory".
func (n News) Error() string {
	if n.Errno == 0 {
		return n.Step.String()
	}
	return n.Step.String() + ": " + n.Errno.Error()
}
