package wire

// Names of the ways into a container.
const (
	// Libcontainer joins the container from what runc wrote down about it.
	Libcontainer = "libcontainer"
	// OwnRuntime is the exec command of the container's own runtime.
	OwnRuntime = "runtime"
)

// Choice is how hooks get into a container, and why.
type Choice struct {
	Runner string `json:"runner"`
	Reason string `json:"reason"`
}

// Runtime is the container's own runtime, for containers that libcontainer
// cannot join or must not.
type Runtime struct {
	Path   string   `json:"path"`             // absolute
	Args   []string `json:"args"`             // that go before the command
	Env    []string `json:"env"`              // of the runtime itself
	Runner string   `json:"runner,omitempty"` // chosen before; empty: choose

	Init       int    `json:"init"`                 // pid of the container's init
	Cgroup     string `json:"cgroup,omitempty"`     // directory of the container's own cgroup: v2, or v1's freezer
	HookCgroup string `json:"hookCgroup,omitempty"` // directory of the hook's, right below it; empty: none
	Unified    bool   `json:"unified,omitempty"`    // cgroup v2
}
