package record

import (
	"fmt"
	"strings"
	"time"

	"bookend.dev/bookend/hooks"
)

// Version is that of the format that this package writes.
const Version = 1

// Subject is the container that a record or a status is about.
type Subject struct {
	Namespace    string `json:"namespace"`              // containerd's
	Container    string `json:"container"`              // its id
	Name         string `json:"name,omitempty"`         // within its pod, or nerdctl's; empty: it has none
	Pod          string `json:"pod,omitempty"`          // name; empty outside CRI
	PodNamespace string `json:"podNamespace,omitempty"` // Kubernetes' namespace; empty outside CRI
	PodUID       string `json:"podUID,omitempty"`       // Kubernetes'; empty outside CRI
}

// IsPods tells whether the container is one of a pod: made by containerd's CRI plugin,
// so that Pod, PodNamespace and PodUID are true. Who may make containers through
// another client of containerd could pose with these as any pod.
func (c Subject) IsPods() bool { return c.Pod != "" && c.Namespace == hooks.NamespaceCRI }

// Kind is what a record is about.
type Kind string

const (
	// Attempt is an attempt of a hook.
	Attempt Kind = ""
	// Stop is a stop signal that was promised to a client and cannot be sent:
	// the record begins when that has lasted a while.
	Stop Kind = "stop"
)

// Record is one attempt of one hook, or a stop signal that could not be sent.
type Record struct {
	Version int  `json:"version"`
	Kind    Kind `json:"kind,omitempty"`
	Subject
	Hook    hooks.Point `json:"hook,omitempty"`
	Handler string      `json:"handler,omitempty"` // "exec", "httpGet", "sleep"
	Attempt int         `json:"attempt,omitempty"` // from 1
	// StopSignal is the signal of a [Stop], as Kubernetes spells it: "SIGTERM".
	StopSignal string `json:"stopSignal,omitempty"`
	// Started is when the attempt started, or when the stop signal was due.
	Started time.Time `json:"started"`
	// Traceparent is that of the call which the hook runs for, as W3C's Trace
	// Context has it; empty: the call had none.
	Traceparent string `json:"traceparent,omitempty"`
	End

	// ID names a record that was read: no other has it. It is not in the file.
	ID string `json:"-"`
	// Running tells, of a record without an end that was read, that its writer
	// is alive: the attempt runs, or the stop signal is still to be sent. It is
	// not in the file.
	Running bool `json:"-"`
}

// ended tells whether the record says how it ended.
func (r Record) ended() bool { return r.Outcome != "" || r.Delivery != "" }

// what says what the record is about, for errors.
func (r Record) what() string {
	if r.Kind == Attempt {
		return fmt.Sprintf("attempt %d of %s", r.Attempt, r.Hook)
	}
	return strings.TrimSpace(string(r.Kind) + " " + r.StopSignal)
}

// Delivery is the end of a stop signal that could not be sent for a while.
type Delivery string

// Every delivery there is.
const (
	Delivered Delivery = "delivered" // it was sent in the end
	Ended     Delivery = "ended"     // the container's init ended before
)

// End is the result of an attempt, or of a stop. Until then it is empty, but for
// the detail of a stop.
type End struct {
	// Outcome is an attempt's. That of a record whose writer died before it
	// could say is [hooks.Unknown], whatever its kind: readers put it there.
	Outcome hooks.Outcome `json:"outcome,omitempty"`
	// Run is how the hook ended, all its attempts together. The record of its last
	// attempt alone has it, and nothing of that changes any more but the output.
	Run hooks.Outcome `json:"run,omitempty"`
	// Delivery is a stop's.
	Delivery        Delivery    `json:"delivery,omitempty"`
	DurationSeconds float64     `json:"durationSeconds,omitempty"`
	Cause           hooks.Cause `json:"cause,omitempty"`
	ExitCode        *int        `json:"exitCode,omitempty"`     // exec that exited, 0 included
	Signal          int         `json:"signal,omitempty"`       // number, exec that was killed
	HTTPStatus      int         `json:"httpStatus,omitempty"`   // httpGet that was answered
	Runner          string      `json:"runner,omitempty"`       // exec: "joiner" or "runtime"
	RunnerReason    string      `json:"runnerReason,omitempty"` // exec: why "runtime"
	// Detail is the error in full, for the node's operator: it may hold what
	// the hook's author wrote.
	Detail string `json:"detail,omitempty"`
	// Stdout and Stderr are the last 64 KiB of each; base64 in JSON, as they
	// need not be text.
	Stdout []byte `json:"stdout,omitempty"`
	Stderr []byte `json:"stderr,omitempty"`
}
