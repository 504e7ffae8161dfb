package proc

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process is a process, told apart from a later one of the same pid.
type Process struct {
	Pid   int
	Start uint64 // clock ticks since boot
}

// Find returns the process pid, which must exist.
func Find(pid int) (Process, error) {
	s, err := ReadStat(pid)
	return Process{Pid: pid, Start: s.Start}, err
}

// Alive tells whether the process is certainly alive, or certainly gone or dying.
// The error is that of neither: /proc cannot be read without a free descriptor. A
// dying init is not yet a zombie while the kernel kills everything else in its pid
// namespace, which is when a hook of it is found killed; and where the namespace
// is another's, the init may still have its SIGKILL before it.
func (p Process) Alive() (bool, error) {
	dir := dirOf(p.Pid)
	leader, err := readStat(dir)
	if err != nil || leader.Start != p.Start {
		return false, unlessGone(err)
	}
	// The first thread may have ended and left the others running.
	threads, err := os.ReadDir(dir + "/task")
	if err != nil {
		return false, unlessGone(err)
	}
	var unread error
	for _, t := range threads {
		alive, err := threadAlive(filepath.Join(dir, "task", t.Name()))
		if alive {
			return true, nil
		}
		unread = errors.Join(unread, err)
	}
	return false, unread
}

func threadAlive(dir string) (bool, error) {
	s, err := readStat(dir)
	if err != nil || !s.Alive() {
		return false, unlessGone(err)
	}
	dead, err := killed(dir)
	return err == nil && !dead, unlessGone(err)
}

// unlessGone drops what an error of reading /proc says of a process that is gone.
func unlessGone(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}

// isGone tells whether an error of /proc is that of a process that has exited,
// reaped (ENOENT, ESRCH) or not (ENOENT).
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

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
