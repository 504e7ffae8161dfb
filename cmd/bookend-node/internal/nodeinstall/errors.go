package nodeinstall

import "errors"

var (
	errRestart = errors.New("must be systemd:UNIT, exec:COMMAND, none or auto")
	errNoUnit  = errors.New("no unit of systemd is known that runs containerd: say how it is restarted (--restart)")
	// errJob: containerd was stopped, and may not run.
	errJob = errors.New("the job has not done it")
	// errReplaced: there is a DaemonSet again, whose agent goes on.
	errReplaced = errors.New("another DaemonSet of the agents has taken the place of the deleted one: its agent goes on")
	// ErrRemain says that nodes have not undone what was installed.
	ErrRemain = errors.New("have not removed bookend")
)
