package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Flags of the kernel's, PF_… in <linux/sched.h>.
const (
	exiting    = 0x4  // the thread is on its way out
	forkNoExec = 0x40 // it was forked and has not called execve(2) successfully since
)

// Stat is what /proc/<pid>/stat tells of a process or a thread: see proc(5).
type Stat struct {
	State    byte
	Parent   int
	Session  int
	Terminal int // device number of the controlling terminal; 0: none
	Flags    uint64
	Start    uint64 // clock ticks since boot
}

// ReadStat reads that of the process pid.
func ReadStat(pid int) (Stat, error) { return readStat(dirOf(pid)) }

// tick is the unit of Start: USER_HZ is 100 on every architecture that Go knows.
const tick = time.Second / 100

// bootTicks is the present time as /proc has the starts of processes.
func bootTicks() uint64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	return uint64(now.Nano()) / uint64(tick)
}

// Age is how long ago the process or thread started, to a hundredth of a second.
func (s Stat) Age() time.Duration { return time.Duration(int64(bootTicks()-s.Start)) * tick }

func dirOf(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid)) }

func readStat(dir string) (Stat, error) {
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Stat{}, err
	}
	return parseStat(data)
}

// Alive tells whether it has not exited and is not about to.
func (s Stat) Alive() bool { return s.State != 'Z' && s.State != 'X' && !s.Exiting() }

// Exiting tells whether it is on its way out: it starts nothing any more.
func (s Stat) Exiting() bool { return s.Flags&exiting != 0 }

// NeverExecuted tells whether it was forked and has executed no program since.
func (s Stat) NeverExecuted() bool { return s.Flags&forkNoExec != 0 }

// parseStat reads the fields after the name, which is in parentheses and may
// hold spaces and parentheses itself.
func parseStat(stat []byte) (Stat, error) {
	const state, parent, session, terminal, flags, start = 0, 1, 3, 4, 6, 19
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) <= start {
		return Stat{}, fmt.Errorf("malformed stat %q", stat)
	}
	s := Stat{State: f[state][0]}
	var err [5]error
	s.Session, err[0] = strconv.Atoi(string(f[session]))
	s.Flags, err[1] = strconv.ParseUint(string(f[flags]), 10, 64)
	s.Start, err[2] = strconv.ParseUint(string(f[start]), 10, 64)
	s.Parent, err[3] = strconv.Atoi(string(f[parent]))
	s.Terminal, err[4] = strconv.Atoi(string(f[terminal]))
	for _, e := range err {
		if e != nil {
			return Stat{}, fmt.Errorf("malformed stat %q: %w", stat, e)
		}
	}
	return s, nil
}
