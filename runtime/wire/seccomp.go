package wire

import "encoding/json"

// SeccompRequest is what `bookend-exec compile` reads.
type SeccompRequest struct {
	Seccomp json.RawMessage `json:"seccomp"` // linux.seccomp of the OCI configuration, as it is there
}

// SeccompProgram is what `bookend-exec compile` writes.
type SeccompProgram struct {
	Flags   uint32 `json:"flags"`   // for seccomp(2): SECCOMP_FILTER_FLAG_*
	Prctl   bool   `json:"prctl"`   // loaded by prctl(PR_SET_SECCOMP), not by seccomp(2)
	Program []byte `json:"program"` // struct sock_filter[] as in memory, never empty
	// Unresolved are the system calls whose rules libseccomp does not know to
	// which numbers they apply. The program has no such rule.
	Unresolved []string `json:"unresolved"`
	Libseccomp string   `json:"libseccomp"` // major.minor.micro
}
