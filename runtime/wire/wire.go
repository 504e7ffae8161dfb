// Package wire is what the shim and bookend-exec say to each other: one
// [Request], then up to three [Status] lines.
//
// bookend-exec inherits these descriptors:
//
//	0  RequestFD  the Request as JSON, in a pipe; it may come late
//	2             bookend-exec's own log; never seen by the hook
//	3  StatusFD   bookend-exec writes one JSON Status per line
//	4  StdoutFD   becomes the hook's stdout
//	5  StderrFD   becomes the hook's stderr
//	6  GateFD     of a gated request: the pipe that opens the gate
//
// The lines on StatusFD, in order:
//
//	{"choice":{…}}          how the container is entered; only with Request.Runtime
//	{"pid":123}             the hook's first process is about to run its command
//	{"exit":{…}}            it ended and was reaped
//
// or, in place of what is missing, {"failure":{…}}: the command was not run.
// The end of the file before exit or failure means that bookend-exec died.
//
// A gated request starts the hook's process as far as a gate, inside the
// container, at which it waits: one byte in the pipe lets it become its command,
// the end of the file lets it exit. Its pid is told when it is about to come to
// the gate. Whatever keeps the gate from becoming the command is a failure, of
// reason cannotStart: it says nothing about the command.
//
// The package is a leaf, so that bookend-exec stays small: libcontainer may
// copy the whole binary for each hook.
package wire

// Descriptors of bookend-exec.
const (
	RequestFD = 0
	StatusFD  = 3
	StdoutFD  = 4
	StderrFD  = 5
	GateFD    = 6
)

// Request is one command to run in one container. What it leaves empty comes
// from the process section of the bundle's config.json.
type Request struct {
	Root   string `json:"root"`   // runc's root directory, containerd's namespace included
	ID     string `json:"id"`     // of the container
	Bundle string `json:"bundle"` // directory that holds config.json

	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"` // NAME=VALUE, each replaces the container's of that name
	User *User    `json:"user,omitempty"`
	Cwd  string   `json:"cwd,omitempty"`

	// SubCgroups names the cgroup to run in by its path below the container's
	// own: keyed by controller on cgroup v1, by "" on v2. Empty: the
	// container's own.
	SubCgroups map[string]string `json:"subCgroups,omitempty"`

	// Gated lets the command wait until GateFD says go.
	Gated bool `json:"gated,omitempty"`

	// Runtime lets bookend-exec choose how it enters the container. Nil:
	// through libcontainer, whatever the container's state looks like.
	Runtime *Runtime `json:"runtime,omitempty"`
}

// User is who runs the command, in numbers of the container's user namespace.
type User struct {
	UID            uint32   `json:"uid"`
	GID            uint32   `json:"gid"`
	AdditionalGids []uint32 `json:"additionalGids,omitempty"`
}

// Status is one line of bookend-exec. Exactly one of the first four fields is set.
type Status struct {
	Choice  *Choice  `json:"choice,omitempty"`
	Pid     int      `json:"pid,omitempty"` // in the pid namespace of bookend-exec
	Exit    *Exit    `json:"exit,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	// Session, beside Pid, is the hook's session, unless Pid leads it.
	Session int `json:"session,omitempty"`
	// Stray, beside Pid, tells that the runtime had started the process outside
	// of the hook's cgroup: what it forked before it was moved is not in there.
	Stray bool `json:"stray,omitempty"`
}

// Exit is how the hook's first process ended. Signal is 0 when it exited.
type Exit struct {
	Code   int `json:"code"`
	Signal int `json:"signal,omitempty"`
	// NeverRan tells that the process ended before it became the command:
	// execve(2) failed, and its reason is the last line on the hook's stderr.
	NeverRan bool `json:"neverRan,omitempty"`
}

// Failure is why the command was not run. Message is for the node's log only.
type Failure struct {
	Reason  Reason `json:"reason"`
	Message string `json:"message"`
}

// Reason classifies a Failure.
type Reason string

// Every reason there is.
const (
	NotFound    Reason = "notFound"    // the command or the working directory
	Permission  Reason = "permission"  // on the command or the working directory
	BadFormat   Reason = "badFormat"   // the command is no program for this machine
	Paused      Reason = "paused"      // the container is
	Gone        Reason = "gone"        // the container does not exist or has stopped
	CannotStart Reason = "cannotStart" // anything else
)
