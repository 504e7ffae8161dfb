//go:build linux

package record

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// Self returns the calling process.
func Self() (Process, error) {
	p := Process{Pid: os.Getpid(), Boot: thisBoot()}
	_, start, err := readStat(p.Pid)
	p.StartTime = start
	return p, err
}

// Alive tells whether the process is there and no zombie.
func (p Process) Alive() bool {
	if now := thisBoot(); p.Boot != "" && now != "" && p.Boot != now {
		return false
	}
	state, start, err := readStat(p.Pid)
	return err == nil && start == p.StartTime && state != 'Z' && state != 'X'
}

// thisBoot names the time since the kernel was booted; empty: unknown.
var thisBoot = sync.OnceValue(func() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(id))
})

// readStat reads fields 3 and 22 of /proc/PID/stat, see proc(5). The name before
// them is in parentheses and may hold spaces and parentheses itself.
func readStat(pid int) (state byte, start uint64, err error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	const stateField, startField = 0, 19
	f := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(f) <= startField {
		return 0, 0, fmt.Errorf("%s: malformed: %q", path, data)
	}
	start, err = strconv.ParseUint(string(f[startField]), 10, 64)
	return f[stateField][0], start, err
}
