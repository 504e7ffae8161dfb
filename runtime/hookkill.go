package runtime

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// kill sends SIGKILL to every process in the cgroup and waits, for up to
// bound, until there is none. In a container that is paused on cgroup v1 a
// process dies only when the container goes on: then kill returns at once,
// with nothing to retry.
func (h *hookCgroup) kill(bound time.Duration) error {
	deadline := time.Now().Add(bound)
	for {
		if !h.killByKernel() && (h.killFrozen() == 0 || h.parentFrozen()) {
			return nil
		}
		// Once is enough unless a process could not be frozen in time and
		// forked, the kernel missed a fork that was under way, or there was more
		// than one round reaches: hence again.
		if h.awaitEmpty(earlier(deadline, time.Now().Add(100*time.Millisecond))) == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return h.awaitEmpty(deadline)
		}
	}
}

// killOn goes on killing in the background, for up to bound, and removes the
// cgroup. No other hook gets its name until then. done is called with the result.
func (h *hookCgroup) killOn(bound time.Duration, done func(error)) {
	if h.names != nil {
		h.names.hold(h.name)
	}
	go func() {
		defer h.drop()
		err := hooks.Recovered(func() error { return h.kill(bound) })
		h.clear()
		done(err)
	}()
}

// killByKernel leaves the killing to the kernel: cgroup v2's do it since 5.14.
func (h *hookCgroup) killByKernel() bool {
	return h.unified && writeCgroup(h.dir, "cgroup.kill", "1") == nil
}

// killFrozen holds the processes still, kills them, and returns how many there
// were at least.
func (h *hookCgroup) killFrozen() int {
	_ = h.freeze(true)
	defer func() { _ = h.freeze(false) }()
	return h.signalAll()
}

// freeze freezes or thaws the cgroup; freezing waits a little for the last
// process to stop. Where one kills, freezing is a help against processes that fork
// faster than that: that it fails is no failure then.
func (h *hookCgroup) freeze(on bool) error {
	file, value := "freezer.state", map[bool]string{true: "FROZEN", false: "THAWED"}[on]
	if h.unified {
		file, value = "cgroup.freeze", map[bool]string{true: "1", false: "0"}[on]
	}
	if err := writeCgroup(h.dir, file, value); err != nil || !on {
		return err
	}
	poll(time.Now().Add(50*time.Millisecond), h.frozen)
	return nil
}

func (h *hookCgroup) frozen() bool {
	if h.unified {
		return strings.Contains(readCgroup(h.dir, "cgroup.events"), "frozen 1")
	}
	return strings.HasPrefix(readCgroup(h.dir, "freezer.state"), "FROZEN")
}

// parentFrozen tells whether the container is paused, on cgroup v1, where
// frozen processes do not die. On v2 they do.
func (h *hookCgroup) parentFrozen() bool {
	return !h.unified && strings.HasPrefix(readCgroup(h.dir, "freezer.parent_freezing"), "1")
}

// awaitEmpty waits until no process is left.
func (h *hookCgroup) awaitEmpty(deadline time.Time) error {
	if poll(deadline, h.empty) {
		return nil
	}
	return fmt.Errorf("cgroup %s: %w: %v", h.dir, errStillThere, h.pids(16))
}

// empty tells whether no process is in the cgroup or below. It is false as well
// where there is more below than one round reaches.
func (h *hookCgroup) empty() bool {
	if h.unified {
		events := readCgroup(h.dir, "cgroup.events")
		if strings.Contains(events, "populated 0") {
			return true
		}
		if strings.Contains(events, "populated 1") {
			return false
		}
	}
	left, empty := walkDirs, true
	all := walkCgroups(h.dir, &left, func(dir string) {
		if len(cgroupPids(dir)) > 0 {
			left, empty = 0, false
		}
	})
	return all && empty
}

// pids lists up to most of the processes in the cgroup and below.
func (h *hookCgroup) pids(most int) []int {
	var pids []int
	left := walkDirs
	walkCgroups(h.dir, &left, func(dir string) { pids = append(pids, cgroupPids(dir)...) })
	return pids[:min(len(pids), most)]
}

// signalAll sends SIGKILL to the processes in the cgroup and below, as far as
// one round reaches, and returns how many there were at least. The cgroups that
// are empty by now are removed, so that the next round reaches further, and
// others are thawed: a process that froze itself on v1 does not die.
func (h *hookCgroup) signalAll() int {
	left, n := walkDirs, 0
	all := walkCgroups(h.dir, &left, func(dir string) {
		if n >= walkProcs {
			left = 0
			return
		}
		n += signalIn(dir)
		if dir != h.dir && unix.Rmdir(dir) != nil && !h.unified {
			_ = writeCgroup(dir, "freezer.state", "THAWED")
		}
	})
	if !all {
		n++ // what was not reached
	}
	return n
}

// signalIn sends SIGKILL to the processes of one cgroup and returns how many
// there were. Each is held by a descriptor while it is made sure that its pid is
// still that of a process in the cgroup; of a few at a time, for descriptors are
// not without end.
func signalIn(dir string) int {
	pids := cgroupPids(dir)
	for some := range slices.Chunk(pids, 256) {
		held := map[int]int{}
		for _, pid := range some {
			if fd, err := unix.PidfdOpen(pid, 0); err != unix.ESRCH {
				held[pid] = fd // -1 on kernels without pidfd
			}
		}
		for _, pid := range cgroupPids(dir) {
			if fd, ok := held[pid]; ok { // else the next round's
				kill(pid, fd, unix.SIGKILL)
			}
		}
		for _, fd := range held {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	}
	return len(pids)
}

// kill signals a process through its pidfd, or by its number where there is none.
func kill(pid, pidfd int, signal unix.Signal) {
	if pidfd >= 0 {
		_ = unix.PidfdSendSignal(pidfd, signal, nil, 0)
	} else {
		_ = unix.Kill(pid, signal)
	}
}
