package runtime

import (
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// aboveTheShims raises limits above those of the process that runs the tests,
// which takes CAP_SYS_RESOURCE, and lowers one.
func aboveTheShims(t *testing.T) func(*specs.Spec) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	must(t, unix.Capget(&header, &caps[0]))
	if caps[0].Effective&(1<<unix.CAP_SYS_RESOURCE) == 0 {
		t.Skip("needs CAP_SYS_RESOURCE")
	}
	var files unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &files))
	return func(s *specs.Spec) {
		adj := -500
		s.Process.OOMScoreAdj = &adj
		s.Process.Rlimits = []specs.POSIXRlimit{
			{Type: "RLIMIT_NOFILE", Soft: files.Max + 1000, Hard: files.Max + 2000},
			{Type: "RLIMIT_MEMLOCK", Soft: 1 << 40, Hard: 1 << 41},
			{Type: "RLIMIT_NICE", Soft: 20, Hard: 30},
			{Type: "RLIMIT_CORE"},
		}
	}
}

// A hook has its container's limits where they are above the shim's own, and
// a score that only the capable may give; it may itself be anybody.
func TestExecIsGivenMoreThanTheShimHas(t *testing.T) {
	for name, edit := range map[string]func(*specs.Spec){
		"root":             func(*specs.Spec) {},
		"without anything": func(s *specs.Spec) { s.Process.User.UID, s.Process.Capabilities = 1234, &specs.LinuxCapabilities{} },
		"user namespace":   inUserNamespace,
	} {
		t.Run(name, func(t *testing.T) {
			more := aboveTheShims(t)
			c := startContainer(t, func(s *specs.Spec) { more(s); edit(s) })
			const all = `cat /proc/self/limits /proc/self/oom_score_adj`
			if out := c.wantAsRuncExec(all); !slices.Contains(lines([]byte(out)), "-500") {
				t.Errorf("runc exec printed\n%s", out)
			}
		})
	}
}
