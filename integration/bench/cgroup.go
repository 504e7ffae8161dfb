package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bookend.dev/bookend/integration/harness"
)

const cgroupRoot = "/sys/fs/cgroup"

// unified tells whether the machine has cgroup v2 alone.
func unified() bool {
	_, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers"))
	return err == nil
}

// account counts the CPU time of a daemon: containerd, the shims, what these
// run and have run, and the containers, whatever has become of each process.
// The kernel adds it up, to the nanosecond or microsecond, in the cgroup that
// all of them are below.
type account struct{ dir string }

// newAccount moves containerd, and with it what it starts from now on, below
// the daemon's cgroup, where the containers are already.
func newAccount(d *harness.Daemon) (*account, error) {
	hierarchy := filepath.Join(cgroupRoot, "cpuacct")
	if unified() {
		hierarchy = cgroupRoot
	}
	a := &account{filepath.Join(hierarchy, d.Cgroup())}
	own := filepath.Join(a.dir, "daemon")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(own, "cgroup.procs"), []byte(strconv.Itoa(d.PID())), 0); err != nil {
		return nil, fmt.Errorf("move containerd into %s: %w", own, err)
	}
	return a, nil
}

// used is the CPU time so far.
func (a *account) used() (time.Duration, error) {
	if !unified() {
		b, err := os.ReadFile(filepath.Join(a.dir, "cpuacct.usage"))
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		return time.Duration(n), err
	}
	b, err := os.ReadFile(filepath.Join(a.dir, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut("\n"+string(b), "\nusage_usec ")
	if !found {
		return 0, fmt.Errorf("%s/cpu.stat: no usage_usec in it", a.dir)
	}
	line, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseInt(line, 10, 64)
	return time.Duration(n) * time.Microsecond, err
}
