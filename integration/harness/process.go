package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bookend.dev/bookend/runtime/proc"
)

// Process is one line of the process table.
type Process struct {
	PID, PPID int
	Comm      string
	State     byte   // as in /proc/pid/stat: R, S, D, Z, T, …
	Start     uint64 // in clock ticks since boot
	Terminal  int    // the controlling terminal's device number; 0: none
	Args      []string
}

func (p Process) String() string {
	if p.State == 'Z' {
		return fmt.Sprintf("process %d (%s, zombie of %d)", p.PID, p.Comm, p.PPID)
	}
	return fmt.Sprintf("process %d (%s: %s)", p.PID, p.Comm, strings.Join(p.Args, " "))
}

// Processes returns every process that belongs to the daemon, zombies included.
func (d *Daemon) Processes() ([]Process, error) { return processesOf(d.Dir) }

// ProcessesIn returns those in a cgroup of the container id.
func (d *Daemon) ProcessesIn(id string) ([]Process, error) {
	procs, err := d.Processes()
	return slices.DeleteFunc(procs, func(p Process) bool { return !p.InCgroup(id) }), err
}

// processesOf returns every process that belongs to the daemon in dir: those in
// its cgroups, those that its mark, directory or arguments give away, and their
// descendants, zombies included. The calling process is none of them.
func processesOf(dir string) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	all := map[int]Process{}
	ours := map[int]bool{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		p, err := ReadProcess(pid)
		if err != nil {
			continue // ended meanwhile
		}
		all[pid] = p
		ours[pid] = belongs(pid, dir)
	}
	for grown := true; grown; {
		grown = false
		for pid, p := range all {
			if !ours[pid] && ours[p.PPID] {
				ours[pid], grown = true, true
			}
		}
	}
	var found []Process
	for pid, p := range all {
		if ours[pid] {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Process) int { return a.PID - b.PID })
	return found, nil
}

// ReadProcess reads a process that exists, zombies included.
func ReadProcess(pid int) (Process, error) {
	stat, err := proc.ReadStat(pid)
	if err != nil {
		return Process{}, err
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return Process{}, err
	}
	cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return Process{
		PID: pid, PPID: stat.Parent, Comm: strings.TrimSuffix(string(comm), "\n"),
		State: stat.State, Start: stat.Start, Terminal: stat.Terminal,
		Args: strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00"),
	}, nil
}

// Alive tells whether the process still runs, beyond the reuse of its pid; a
// zombie does not.
func (p Process) Alive() bool {
	now, err := ReadProcess(p.PID)
	return err == nil && now.Start == p.Start && now.State != 'Z' && now.State != 'X'
}

// InCgroup tells whether the process is in a cgroup of the container id.
func (p Process) InCgroup(id string) bool {
	cgroups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.PID))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(strings.FieldsFunc(string(cgroups), func(r rune) bool { return r == '/' || r == '\n' }), func(name string) bool {
		return IsCgroupOf(name, id)
	})
}

// belongs tells by a process's own files whether it is of the daemon in dir.
func belongs(pid int, dir string) bool {
	proc := fmt.Sprintf("/proc/%d/", pid)
	cgroup, _ := os.ReadFile(proc + "cgroup")
	if bytes.Contains(cgroup, []byte("/"+cgroupName(filepath.Base(dir))+"/")) {
		return true
	}
	environ, _ := os.ReadFile(proc + "environ")
	if slices.Contains(strings.Split(string(environ), "\x00"), markVariable+"="+dir) {
		return true
	}
	if target, err := os.Readlink(proc + "root"); err == nil && strings.HasPrefix(target, dir+"/") {
		return true
	}
	// Without its mark, only a runtime's process may be taken for ours: another
	// process may be reading the daemon's files.
	comm, _ := os.ReadFile(proc + "comm")
	if !slices.ContainsFunc(runtimeComms, func(c string) bool { return bytes.HasPrefix(comm, []byte(c)) }) {
		return false
	}
	cwd, _ := os.Readlink(proc + "cwd")
	cmdline, _ := os.ReadFile(proc + "cmdline")
	return strings.HasPrefix(cwd, dir+"/") || bytes.Contains(cmdline, []byte(dir+"/"))
}

// runtimeComms are the beginnings of the names of containerd's and runtimes'
// processes.
var runtimeComms = []string{"containerd", "bookend", "runc"}
