package hooks

import (
	"net/http"
	"syscall"
	"time"
)

// Point names the moment in a container's life that a hook belongs to, spelt
// as in the Kubernetes Lifecycle object.
type Point string

// The two lifecycle hooks of Kubernetes.
const (
	PostStart Point = "postStart"
	PreStop   Point = "preStop"
)

// FailurePolicy says what a failed postStart does to its container.
type FailurePolicy string

// Kill is what the kubelet does; Ignore lets the container run.
const (
	Kill   FailurePolicy = "Kill"
	Ignore FailurePolicy = "Ignore"
)

// Output says where an exec hook's output goes.
type Output string

// OutputRecords is where it goes in any case; OutputContainer adds the container's
// own log.
const (
	OutputRecords   Output = "records"
	OutputContainer Output = "container"
)

// Lifecycle is everything bookend knows about one container's hooks: parsed,
// validated, with the node's defaults and policy applied.
type Lifecycle struct {
	PostStart *Hook // nil: none
	PreStop   *Hook // nil: none

	// StopSignals is the set of signals that triggers preStop. Never empty.
	StopSignals []syscall.Signal
	// StopSignal is delivered in place of the stop signal that came; 0: none set.
	StopSignal syscall.Signal
	// GracePeriod is the time between the stop signal and SIGKILL that the
	// container was promised; nil where no one said.
	GracePeriod *time.Duration
}

// Hook is one lifecycle hook. Exactly one of Exec, HTTPGet and Sleep is set.
type Hook struct {
	Point   Point
	Exec    *Exec
	HTTPGet *HTTPGet
	Sleep   *Sleep

	// Timeout cancels the hook, all attempts together; 0: no limit of its own.
	Timeout time.Duration
	// FailurePolicy is Kill or Ignore; only postStart's is looked at.
	FailurePolicy FailurePolicy
	// Retries is the number of further attempts after a failed one.
	Retries int
	// Output is where what an exec hook prints goes; others print nothing.
	Output Output

	byDefault bool // it is the node's own
}

// Exec runs a command inside the container.
type Exec struct {
	Command []string // argv; never empty
	// User replaces the container's: "uid", "uid:gid", "name" or "name:group",
	// looked up in the container's own files; empty: the container's.
	User string
	// Env is added to the container's environment, replacing equal names.
	Env []EnvVar
	// WorkingDir replaces the container's; empty: the container's.
	WorkingDir string
}

// EnvVar is one variable of an exec hook's environment.
type EnvVar struct{ Name, Value string }

// HTTPGet sends one GET request from inside the container's network namespace.
type HTTPGet struct {
	Host   string // empty: the pod's own address
	Port   int    // 1-65535; named ports are already resolved
	Path   string // starts with "/", may carry a query
	Scheme string // "http" or "https"
	// Header is sent as it is, repeated names in their order. Host sets the
	// host; an empty User-Agent or Accept means: do not send it, not even the
	// default.
	Header http.Header
	// ExpectStatus lists inclusive ranges of statuses that count as success;
	// empty: any status does.
	ExpectStatus []StatusRange
}

// StatusRange is an inclusive range of HTTP statuses.
type StatusRange struct{ First, Last int }

// Sleep waits.
type Sleep struct{ Duration time.Duration }

// HandlerName returns the name of the hook's handler as Kubernetes spells it:
// "exec", "httpGet" or "sleep".
func (h *Hook) HandlerName() string {
	switch {
	case h.Exec != nil:
		return HandlerExec
	case h.HTTPGet != nil:
		return HandlerHTTPGet
	default:
		return HandlerSleep
	}
}

// HasExec tells whether a hook of it is an exec hook.
func (l *Lifecycle) HasExec() bool {
	return l.PostStart != nil && l.PostStart.Exec != nil || l.PreStop != nil && l.PreStop.Exec != nil
}
