package runtime

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/containerd/log"
	"golang.org/x/sys/unix"
)

// killSession kills the session that leader leads: all that a hook started
// and that did not make a session of its own. It is what is left where the
// hook has no cgroup.
func killSession(ctx context.Context, leader int) {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		log.G(ctx).WithError(err).Error("cancelled exec hook: cannot list processes")
		return
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		if t, err := readTask(filepath.Join("/proc", p.Name())); err == nil && t.session == leader {
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		}
		unix.Close(fd)
	}
}
