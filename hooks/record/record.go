package record

import (
	"time"

	"bookend.dev/bookend/hooks"
)

// Version is that of the format that this package writes.
const Version = 1

// Subject is the container that a record or a status is about.
type Subject struct {
	Namespace    string `json:"namespace"`              // containerd's
	Container    string `json:"container"`              // its id
	Name         string `json:"name,omitempty"`         // within its pod; empty outside CRI
	Pod          string `json:"pod,omitempty"`          // name; empty outside CRI
	PodNamespace string `json:"podNamespace,omitempty"` // Kubernetes' namespace; empty outside CRI
}

// Record is one attempt of one hook.
type Record struct {
	Version int `json:"version"`
	Subject
	Hook    hooks.Point `json:"hook"`
	Handler string      `json:"handler"` // "exec", "httpGet", "sleep"
	Attempt int         `json:"attempt"` // from 1
	Started time.Time   `json:"started"`
	End

	// ID names a record that was read: no other has it. It is not in the file.
	ID string `json:"-"`
	// Running tells, of a record without an outcome that was read, that its
	// writer is alive. It is not in the file.
	Running bool `json:"-"`
}

// End is what an attempt came to. While the attempt runs it is empty.
type End struct {
	// Outcome of a record whose writer died before it could say is
	// [hooks.Unknown]: readers put it there.
	Outcome         hooks.Outcome `json:"outcome,omitempty"`
	DurationSeconds float64       `json:"durationSeconds,omitempty"`
	Cause           hooks.Cause   `json:"cause,omitempty"`
	ExitCode        *int          `json:"exitCode,omitempty"`   // exec that exited, 0 included
	Signal          int           `json:"signal,omitempty"`     // number, exec that was killed
	HTTPStatus      int           `json:"httpStatus,omitempty"` // httpGet that was answered
	Runner          string        `json:"runner,omitempty"`     // exec: "libcontainer" or "runtime"
	// Detail is the error in full, for the node's operator: it may hold what
	// the hook's author wrote.
	Detail string `json:"detail,omitempty"`
	// Stdout and Stderr are the last 64 KiB of each; base64 in JSON, as they
	// need not be text.
	Stdout []byte `json:"stdout,omitempty"`
	Stderr []byte `json:"stderr,omitempty"`
}
