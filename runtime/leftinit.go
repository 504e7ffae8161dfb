package runtime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/bundle"
	"bookend.dev/bookend/runtime/proc"
)

// KillLeftInit kills the init that a dead shim left in the container of a bundle. The
// runtime's delete does that as well, and much that takes longer: of a clean-up that is
// cut short, no process is to stay. An init that cannot be told from another process
// which has its pid now is left to the runtime.
func KillLeftInit(bundleDir string) error {
	pid, noted, err := bundle.ReadInitPid(bundleDir)
	if err != nil || pid <= 1 {
		return err
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		return nil // it is gone, or a thread's by now
	}
	if err != nil {
		return fmt.Errorf("init %d: %w", pid, err)
	}
	defer unix.Close(fd)
	cgroup, err := bundle.ReadCgroupsPath(bundleDir)
	if err != nil || cgroup == "" {
		return err
	}
	// What this says is of the process that fd is of, unless that is gone.
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil || !inCgroupsPath(data, cgroup) || !startedBy(pid, noted) {
		return nil // it is gone, or another's
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("init %d: %w", pid, err)
	}
	return nil
}

// startedBy tells whether a process was there at a time of the node's clock, which can
// have been set since: containers may share a cgroup, and a pid that was noted and is
// another's now got that later.
func startedBy(pid int, noted time.Time) bool {
	const accuracy = time.Second
	stat, err := proc.ReadStat(pid)
	return err == nil && !time.Now().Add(-stat.Age()).After(noted.Add(accuracy))
}

// inCgroupsPath tells whether /proc/<pid>/cgroup has a cgroup that the OCI
// configuration names, or one below it. systemd's slice:prefix:name is the scope
// prefix-name.scope.
func inCgroupsPath(data []byte, cgroupsPath string) bool {
	want := path.Clean("/" + cgroupsPath)
	if parts := strings.Split(cgroupsPath, ":"); len(parts) == 3 {
		want = "/" + strings.TrimPrefix(parts[1]+"-"+parts[2], "-") + ".scope"
	}
	if want == "/" {
		return false // the node's processes have that as well
	}
	for _, p := range parseMemberships(data) {
		if strings.HasSuffix(p.path, want) || strings.Contains(p.path, want+"/") {
			return true
		}
	}
	return false
}
