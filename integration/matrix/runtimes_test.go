package matrix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// containerRuntime is a runtime whose containers hooks are run in.
type containerRuntime struct {
	name string
	path string
}

// crunOnHybrid runs crun where cgroup v2 has controllers beside those of v1, a
// machine that crun 1.8 refuses.
const crunOnHybrid = `#!/bin/sh
exec unshare --mount sh -c 'umount -l /sys/fs/cgroup/unified; exec %s "$@"' crun "$@"
`

// runtimes lists those that the machine has, and says which are missing.
func runtimes(t *testing.T) []containerRuntime {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	tools := binaries(t).Tools
	var found []containerRuntime
	for _, r := range []containerRuntime{
		{"runc", filepath.Join(tools, "runc")},
		{"runc-1.4", filepath.Join(tools, "runc-1.4")},
		{"runc-1.3", filepath.Join(tools, "runc-1.3")},
		{"runc-debian", "/usr/sbin/runc"},
		{"crun", crun(t)},
	} {
		out, err := exec.Command(r.path, "--version").Output()
		if err != nil {
			t.Logf("left out: %s: %v", r.name, err)
			continue
		}
		version, _, _ := strings.Cut(string(out), "\n")
		t.Logf("%s is %s", r.name, version)
		found = append(found, r)
	}
	return found
}

// binaries tells where the tools and bookend-exec are.
func binaries(t testing.TB) harness.Binaries {
	t.Helper()
	b, err := harness.FindBinaries()
	must(t, err)
	return b
}

// crun returns a path to run crun by, or one where nothing is.
func crun(t *testing.T) string {
	path, err := exec.LookPath("crun")
	if err != nil {
		return "/nonexistent/crun"
	}
	controllers, err := os.ReadFile("/sys/fs/cgroup/unified/cgroup.controllers")
	if err != nil || len(strings.TrimSpace(string(controllers))) == 0 {
		return path
	}
	wrapper := filepath.Join(t.TempDir(), "crun")
	must(t, os.WriteFile(wrapper+".new", fmt.Appendf(nil, crunOnHybrid, path), 0o755))
	// Not written by this process: a child forked meanwhile would hold it open
	// for writing, and it could not be executed.
	must(t, exec.Command("cp", wrapper+".new", wrapper).Run())
	return wrapper
}
