package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// exiting is the kernel's PF_EXITING: the thread is on its way out.
const exiting = 0x4

// Init is a container's init process, told apart from a later process of the
// same pid.
type Init struct {
	Pid   int
	start uint64 // clock ticks since boot
}

// ReadInit returns the process pid, which must exist.
func ReadInit(pid int) (Init, error) {
	st, err := readTask(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return Init{}, fmt.Errorf("init process %d: %w", pid, err)
	}
	return Init{Pid: pid, start: st.start}, nil
}

// Liveness tells whether the process is certainly alive, certainly gone or
// dying, or neither: /proc cannot be read without a free descriptor. A dying
// init is not yet a zombie while the kernel kills everything else in its pid
// namespace, which is when a hook of it is found killed; and where the namespace
// is another's, the init may still have its SIGKILL before it.
func (i Init) Liveness() hooks.Liveness {
	dir := fmt.Sprintf("/proc/%d", i.Pid)
	leader, err := readTask(dir)
	if err != nil {
		return unread(err)
	}
	if leader.start != i.start {
		return hooks.Gone
	}
	// The first thread may have ended and left the others running.
	threads, err := os.ReadDir(dir + "/task")
	if err != nil {
		return unread(err)
	}
	seen := hooks.Gone
	for _, t := range threads {
		switch threadLiveness(filepath.Join(dir, "task", t.Name())) {
		case hooks.Alive:
			return hooks.Alive
		case hooks.CannotSay:
			seen = hooks.CannotSay
		}
	}
	return seen
}

func threadLiveness(dir string) hooks.Liveness {
	st, err := readTask(dir)
	if err != nil {
		return unread(err)
	}
	if !st.alive() {
		return hooks.Gone
	}
	dead, err := killed(dir)
	switch {
	case err != nil:
		return unread(err)
	case dead:
		return hooks.Gone
	}
	return hooks.Alive
}

// unread is what an error of reading /proc says of the process.
func unread(err error) hooks.Liveness {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return hooks.Gone
	}
	return hooks.CannotSay
}

// task is what /proc/<pid>/stat tells of a thread: see proc(5).
type task struct {
	state   byte
	parent  int
	session int
	flags   uint64
	start   uint64
}

func (t task) alive() bool {
	return t.state != 'Z' && t.state != 'X' && t.flags&exiting == 0
}

func readTask(dir string) (task, error) {
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return task{}, err
	}
	return parseTask(data)
}

// parseTask reads the fields after the name, which is in parentheses and may
// hold spaces and parentheses itself.
func parseTask(stat []byte) (task, error) {
	const state, parent, session, flags, start = 0, 1, 3, 6, 19
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) <= start {
		return task{}, fmt.Errorf("malformed stat %q", stat)
	}
	t := task{state: f[state][0]}
	var err [4]error
	t.session, err[0] = strconv.Atoi(string(f[session]))
	t.flags, err[1] = strconv.ParseUint(string(f[flags]), 10, 64)
	t.start, err[2] = strconv.ParseUint(string(f[start]), 10, 64)
	t.parent, err[3] = strconv.Atoi(string(f[parent]))
	for _, e := range err {
		if e != nil {
			return task{}, fmt.Errorf("malformed stat %q: %w", stat, e)
		}
	}
	return t, nil
}

// killed tells whether SIGKILL is pending for a thread or its process.
func killed(dir string) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return false, err
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		name, mask, _ := bytes.Cut(s.Bytes(), []byte(":"))
		if string(name) != "SigPnd" && string(name) != "ShdPnd" {
			continue
		}
		pending, _ := strconv.ParseUint(string(bytes.TrimSpace(mask)), 16, 64)
		if pending&(1<<(unix.SIGKILL-1)) != 0 {
			return true, nil
		}
	}
	return false, nil
}
