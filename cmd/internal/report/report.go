// Package report is what bookend install and bookend uninstall tell a program that
// runs them: the agent of a node in a cluster.
package report

// Problem is a failure that a program decides by.
type Problem string

// The problems; any other failure has the error's text alone.
const (
	// NotInstalled says that there is nothing to uninstall.
	NotInstalled Problem = "notInstalled"
	// InUse says that shims of the installation run.
	InUse Problem = "inUse"
)

// Report is the one document that is printed. With a dry run it is of what would
// be done.
type Report struct {
	// Set is the name of the set of binaries, version and digest.
	Set string `json:"set,omitempty"`
	// Changed says that files change.
	Changed bool `json:"changed,omitempty"`
	// Restart says that containerd's configuration is among them.
	Restart bool `json:"restart,omitempty"`
	// Todo is what a person has to add to containerd's configuration; empty: nothing.
	Todo  string   `json:"todo,omitempty"`
	Notes []string `json:"notes,omitempty"`
	// Distribution is the preset's name.
	Distribution string `json:"distribution,omitempty"`
	// Unit is the one of systemd that runs containerd; empty: none is known.
	Unit string `json:"unit,omitempty"`
	// Containerd is the daemon that runs; nil: none answers.
	Containerd *Containerd `json:"containerd,omitempty"`

	Problem Problem `json:"problem,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// Containerd is a daemon that runs.
type Containerd struct {
	Version string `json:"version"`
	// Started tells one run of it from all others; empty: not known.
	Started string `json:"started,omitempty"`
	// CRI says why the daemon does not serve Kubernetes; empty: it does.
	CRI string `json:"cri,omitempty"`
	// Loaded says that it has loaded the runtime.
	Loaded bool `json:"loaded"`
}
