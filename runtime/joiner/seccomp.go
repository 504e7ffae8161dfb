package joiner

// Seccomp is a seccomp program and how it is loaded.
type Seccomp struct {
	Flags   uint32 // of seccomp(2)
	Prctl   bool   // it is loaded by prctl(2), which takes no flags
	Program []byte // struct sock_filter[], native endian
}
