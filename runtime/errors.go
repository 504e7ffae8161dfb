package runtime

import "errors"

// Why a hook is not run now.
var (
	errPaused = errors.New("the container is paused")
	errNoRoot = errors.New("the user namespace of the container's init has no root")
)

// errOwnExec is that of a container which must be entered by its runtime's own
// exec: the joiner does not carry out everything that its configuration says.
var errOwnExec = errors.New("the runtime's own exec must be used")

// Why a hook goes through its container's own runtime. What its configuration has to
// do with it is an ownExecError.
var (
	errByConfiguration = errors.New("the node's configuration says so")
	errNoCgroup        = errors.New("the container's cgroup is not known")
)

// Why a hook does not begin beside the start of its container.
var (
	errLooksAtFiles = errors.New("the hook's user is looked up in the container's files")
	errNoRoom       = errors.New("the limits of the container, or of a cgroup above it, leave no room beside the init")
	errByRuntime    = errors.New("the container is entered by its own runtime")
)

// Why a hook has no cgroup of its own.
var (
	errNoFreezer = errors.New("no hierarchy has the freezer controller alone")
	errManaged   = errors.New("the container may change its cgroup itself")
	errNoName    = errors.New("all names for cgroups of hooks are taken")
)

var errStillThere = errors.New("processes do not die of SIGKILL")

// Why what a node's shims share is not used.
var (
	errHangs       = errors.New("the file system hangs")
	errOthersWrite = errors.New("others can write to it")
	errDamaged     = errors.New("it is damaged")
)

// What is wrong with the answer of a program.
var (
	errTooLong    = errors.New("prints too much")
	errNoProgram  = errors.New("no seccomp program")
	errOtherRules = errors.New("the runtime may know other rules")
)
