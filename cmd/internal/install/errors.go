package install

import "errors"

var (
	// ErrNotInstalled says that there is no state of an installation.
	ErrNotInstalled = errors.New("bookend is not installed there")
	// ErrInUse says that shims of this installation run.
	ErrInUse = errors.New("shims of this installation run")
	// ErrConfigured says that the runtime is configured, but not by an installation.
	ErrConfigured = errors.New("is configured already, and not by this installation")
	// ErrElsewhere says that a file is from an installation in another place.
	ErrElsewhere = errors.New("is from another installation of bookend")
	// ErrDamaged says that binaries are not those that were installed.
	ErrDamaged = errors.New("the installed binaries are damaged")
	// ErrForeign says that a file stands where ours is to be.
	ErrForeign = errors.New("it is there already, and not from bookend install")
	// ErrBusy says that another installation is at work in the same directory.
	ErrBusy = errors.New("another bookend install or uninstall is at work there")
	// ErrNoExec says that binaries could not be run from where they are.
	ErrNoExec = errors.New("its file system is mounted noexec")
	// ErrReadOnly says that nothing can be installed on a node that runs.
	ErrReadOnly = errors.New("this node cannot be changed")
	// errChanged: the plan is not about what is there now.
	errChanged = errors.New("it was changed meanwhile; run the command again")
	// errFollows: what stands below the head of one table would fall to another.
	errFollows = errors.New("settings follow what bookend wrote, and are of its last table: move or remove them, and run the command again")
	// errNamed: containerd would not start without a file that is to go.
	errNamed = errors.New("containerd would not start without it")
	// errNoProcesses: no shim is seen to run either.
	errNoProcesses = errors.New("whether shims run cannot be told: /proc shows no process")
	errNoFile      = errors.New("there is no such file to take the options of runc from: run this on a node, or name a copy of its file (--containerd-config)")
	errKind        = errors.New("is neither a file nor a symbolic link")
)
