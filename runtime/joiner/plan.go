package joiner

// Plan says everything about a hook's process. The shim makes it from the bundle's
// OCI configuration and the init's /proc. The joiner leaves alone what is absent
// (nil, "", 0).
type Plan struct {
	InitPid   int
	InitStart uint64 // clock ticks since boot: field 22 of /proc/<pid>/stat

	Namespaces         uint32   // CLONE_NEW* of the init's that are joined
	OwnCgroupNamespace bool     // the hook gets a cgroup namespace, rooted in its cgroup
	Unified            bool     // cgroup v2
	Cgroups            []string // directories. v1: all are joined; v2: the first that can be

	AwaitStart bool // the hook waits for a byte before it looks at the container's files

	Args       []string
	Candidates []string // paths at which the command is looked for, in order
	BareName   bool     // Args[0] has no slash: Candidates come from PATH
	Env        []string // NAME=VALUE
	AddHome    bool     // HOME is looked up in the container's /etc/passwd and appended to Env
	Cwd        string

	UID, GID  uint32
	Groups    []uint32
	SetGroups bool // false where the user namespace denies setgroups(2)

	Umask       *uint32
	NoNewPrivs  bool
	Caps        *Caps
	Rlimits     []Rlimit
	OOMScoreAdj *int
	Personality *uint64 // of personality(2)
	Scheduler   []byte  // struct sched_attr
	IOPriority  *int    // of ioprio_set(2)
	Keyring     string  // the session keyring's name
	KeyLabel    string  // SELinux label of that keyring
	ExecLabel   string  // SELinux label of the command
	AppArmor    string  // profile of the command
	Seccomp     *Seccomp
}

// Caps are sets of capabilities, a bit for each: capabilities(7).
type Caps struct{ Bounding, Effective, Permitted, Inheritable, Ambient uint64 }

// Rlimit is a limit of getrlimit(2).
type Rlimit struct {
	Resource   int
	Soft, Hard uint64
}

// Seccomp is a seccomp program and how it is loaded.
type Seccomp struct {
	Flags   uint32 // of seccomp(2)
	Prctl   bool   // it is loaded by prctl(2), which takes no flags
	Program []byte // struct sock_filter[], native endian
}
