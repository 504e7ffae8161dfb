package wire

// Runtime is the container's own runtime.
type Runtime struct {
	Path string   `json:"path"` // absolute
	Args []string `json:"args"` // that go before the command
	Env  []string `json:"env"`  // of the runtime itself

	Init       int    `json:"init"`                 // pid of the container's init
	Cgroup     string `json:"cgroup,omitempty"`     // directory of the container's own cgroup: v2, or v1's freezer
	HookCgroup string `json:"hookCgroup,omitempty"` // directory of the hook's, right below it; empty: none
	Unified    bool   `json:"unified,omitempty"`    // cgroup v2
}
