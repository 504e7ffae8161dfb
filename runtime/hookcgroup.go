package runtime

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hookCgroup is the cgroup of one exec hook, a child of its container's own:
// what the hook starts stays in it however far it detaches itself, and can be
// killed with nothing else. It holds no controller that accounts or limits, so
// what the hook uses is charged to the container.
type hookCgroup struct {
	Cgroup
	name string
}

// hookCgroupPrefix begins the names of hooks' cgroups.
const hookCgroupPrefix = "bookend-"

// newHookCgroup makes a cgroup for one hook.
func (c Cgroup) newHookCgroup() (*hookCgroup, error) {
	if c.dir == "" {
		return nil, errNoCgroup
	}
	name := hookCgroupPrefix + strings.ToLower(rand.Text()[:10])
	child := Cgroup{dir: filepath.Join(c.dir, name), unified: c.unified}
	if err := os.Mkdir(child.dir, 0o755); err != nil {
		return nil, err
	}
	if err := child.joinable(); err != nil {
		return nil, errors.Join(err, os.Remove(child.dir))
	}
	return &hookCgroup{Cgroup: child, name: name}, nil
}

// joinable tells whether processes can be put into a cgroup that was just made:
// below a threaded one on cgroup v2 they cannot ("domain invalid").
func (c Cgroup) joinable() error {
	kind, err := os.ReadFile(filepath.Join(c.dir, "cgroup.type"))
	if errors.Is(err, os.ErrNotExist) { // cgroup v1
		return nil
	}
	if err == nil && strings.TrimSpace(string(kind)) != "domain" {
		err = fmt.Errorf("no process can join %s: it is %q", c.dir, bytes.TrimSpace(kind))
	}
	return err
}

// subCgroups names the cgroup as package wire has it.
func (h *hookCgroup) subCgroups() map[string]string {
	if h.unified {
		return map[string]string{"": h.name}
	}
	return map[string]string{freezer: h.name}
}

// remove removes the cgroup and those that processes made in it, as far as
// they are empty. The runtime removes the rest when it deletes the container.
func (h *hookCgroup) remove() {
	dirs := h.tree()
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = os.Remove(dirs[i])
	}
}

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
		// forked, or the kernel missed a fork that was under way: hence again.
		if h.awaitEmpty(earlier(deadline, time.Now().Add(100*time.Millisecond))) == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return h.awaitEmpty(deadline)
		}
	}
}

// killByKernel leaves the killing to the kernel: cgroup v2's do it since 5.14.
func (h *hookCgroup) killByKernel() bool {
	return h.unified && h.write("cgroup.kill", "1") == nil
}

// killFrozen holds the processes still, kills them, and returns how many there
// were.
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
	if err := h.write(file, value); err != nil || !on {
		return err
	}
	poll(time.Now().Add(50*time.Millisecond), h.frozen)
	return nil
}

func (h *hookCgroup) frozen() bool {
	if h.unified {
		return bytes.Contains(h.read("cgroup.events"), []byte("frozen 1"))
	}
	return bytes.HasPrefix(h.read("freezer.state"), []byte("FROZEN"))
}

// parentFrozen tells whether the container is paused, on cgroup v1, where
// frozen processes do not die. On v2 they do.
func (h *hookCgroup) parentFrozen() bool {
	return !h.unified && bytes.HasPrefix(h.read("freezer.parent_freezing"), []byte("1"))
}

// awaitEmpty waits until no process is left.
func (h *hookCgroup) awaitEmpty(deadline time.Time) error {
	if poll(deadline, func() bool { return len(h.pids()) == 0 }) {
		return nil
	}
	return fmt.Errorf("cgroup %s: %w: %v", h.dir, errStillThere, h.pids())
}

var errStillThere = errors.New("processes do not die of SIGKILL")

// signalAll sends SIGKILL to all processes and returns how many there were.
// Each is held by a descriptor while it is made sure that its pid is still
// that of a process in the cgroup.
func (h *hookCgroup) signalAll() int {
	held := map[int]int{}
	for _, pid := range h.pids() {
		fd, err := unix.PidfdOpen(pid, 0)
		if err == nil {
			defer unix.Close(fd)
		}
		if err == unix.ESRCH {
			continue
		}
		held[pid] = fd // -1 on kernels without pidfd
	}
	n := 0
	for _, pid := range h.pids() {
		n++
		if fd, ok := held[pid]; !ok {
			continue // the next round's
		} else if fd >= 0 {
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		} else {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	return n
}

// pids lists the processes in the cgroup and below.
func (h *hookCgroup) pids() []int {
	var pids []int
	for _, dir := range h.tree() {
		data, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, field := range bytes.Fields(data) {
			if pid, err := strconv.Atoi(string(field)); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// tree lists the cgroup's directory and those below it, parents first.
func (h *hookCgroup) tree() []string {
	var dirs []string
	_ = filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil // what has vanished is of no interest
	})
	return dirs
}

func (h *hookCgroup) read(file string) []byte {
	data, _ := os.ReadFile(filepath.Join(h.dir, file))
	return data
}

func (h *hookCgroup) write(file, value string) error {
	f, err := os.OpenFile(filepath.Join(h.dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}

// poll asks done again and again, first soon, then more rarely, until it is
// true or deadline has passed.
func poll(deadline time.Time, done func() bool) bool {
	for wait := 200 * time.Microsecond; !done(); wait = min(2*wait, 20*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(wait)
	}
	return true
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
