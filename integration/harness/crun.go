package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// crunOnHybrid runs the crun of its %s in a mount namespace without cgroup v2.
const crunOnHybrid = `#!/bin/sh
exec unshare --mount sh -c 'umount -l /sys/fs/cgroup/unified; exec %s "$@"' crun "$@"
`

// CrunOnHybrid returns a path to run program by, which is a crun. crun refuses
// machines on which cgroup v2 has controllers beside those of v1: there it is
// a script that hides cgroup v2.
func CrunOnHybrid(tb testing.TB, program string) string {
	tb.Helper()
	controllers, err := os.ReadFile("/sys/fs/cgroup/unified/cgroup.controllers")
	if err != nil || len(strings.TrimSpace(string(controllers))) == 0 {
		return program
	}
	if _, err := os.Stat(program); err != nil {
		return program
	}
	return Script(tb, "crun", fmt.Sprintf(crunOnHybrid, program))
}

// Script writes an executable of that name into a directory of the test's, and
// returns its path.
func Script(tb testing.TB, name, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path+".new", []byte(content), 0o755); err != nil {
		tb.Fatal(err)
	}
	// Not written by this process: a child forked meanwhile would hold it open for
	// writing, and it could not be executed.
	if err := exec.Command("cp", path+".new", path).Run(); err != nil {
		tb.Fatal(err)
	}
	return path
}
