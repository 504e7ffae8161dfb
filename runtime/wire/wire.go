// Package wire is what the shim and bookend-exec say to each other when a hook
// goes through the exec of its container's own runtime: one [Request], then up
// to two [Status] lines.
//
// bookend-exec inherits these descriptors:
//
//	0  RequestFD  the Request as JSON, in a pipe
//	2             bookend-exec's own log; never seen by the hook
//	3  StatusFD   bookend-exec writes one JSON Status per line
//	4  StdoutFD   becomes the hook's stdout
//	5  StderrFD   becomes the hook's stderr
//	6  NullFD     becomes the hook's stdin; may be missing
//
// The lines on StatusFD, in order:
//
//	{"pid":123}             the hook's first process is about to run its command
//	{"exit":{…}}            it ended and was reaped
//
// or, in place of what is missing, {"failure":{…}}: the command was not run.
// The end of the file before exit or failure means that bookend-exec died.
//
// The package is a leaf.
package wire

// Descriptors of bookend-exec.
const (
	RequestFD = 0
	StatusFD  = 3
	StdoutFD  = 4
	StderrFD  = 5
	NullFD    = 6
)

// Request is one command to run in one container. What it leaves empty comes
// from the process section of the bundle's config.json.
type Request struct {
	ID     string `json:"id"`     // of the container
	Bundle string `json:"bundle"` // directory that holds config.json

	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"` // NAME=VALUE, each replaces the container's of that name
	User *User    `json:"user,omitempty"`
	Cwd  string   `json:"cwd,omitempty"`

	Runtime Runtime `json:"runtime"`
}

// User is who runs the command, in numbers of the container's user namespace.
type User struct {
	UID            uint32   `json:"uid"`
	GID            uint32   `json:"gid"`
	AdditionalGids []uint32 `json:"additionalGids,omitempty"`
}

// Status is one line of bookend-exec. Exactly one of the first three fields is set.
type Status struct {
	Pid     int      `json:"pid,omitempty"` // in the pid namespace of bookend-exec
	Exit    *Exit    `json:"exit,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	// Session, beside Pid, is the hook's session, unless Pid leads it.
	Session int `json:"session,omitempty"`
	// OutsideCgroup, beside Pid, tells that the runtime had started the process outside
	// of the hook's cgroup: what it forked before it was moved is not in there.
	OutsideCgroup bool `json:"outsideCgroup,omitempty"`
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
	Gone        Reason = "gone"        // the container does not exist or has stopped
	CannotStart Reason = "cannotStart" // anything else
)
