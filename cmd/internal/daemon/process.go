package daemon

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Process is what /proc tells of the daemon's process.
type Process struct {
	PID  int
	Exe  string
	Args []string
	Dir  string            // its working directory; empty: not known
	Env  map[string]string // shims inherit it
	Unit string            // of systemd, without .service; empty: none, or not known
	// Started tells this process from all others, before and after a boot too; empty:
	// not known.
	Started string
}

// readProcess reads the process whose directory is dir, /proc/<pid>.
func readProcess(pid int, dir string) (Process, error) {
	exe, exeErr := os.Readlink(filepath.Join(dir, "exe"))
	cwd, cwdErr := os.Readlink(filepath.Join(dir, "cwd"))
	args, argsErr := os.ReadFile(filepath.Join(dir, "cmdline"))
	env, envErr := os.ReadFile(filepath.Join(dir, "environ"))
	if err := cmp.Or(exeErr, cwdErr, argsErr, envErr); err != nil {
		return Process{}, fmt.Errorf("containerd's process: %w", err)
	}
	p := Process{PID: pid, Exe: strings.TrimSuffix(exe, " (deleted)"), Args: stringsOf(args), Dir: cwd, Env: map[string]string{}}
	p.Unit = unitOf(filepath.Join(dir, "cgroup"))
	p.Started = startOf(pid, filepath.Join(dir, "stat"))
	for _, v := range stringsOf(env) {
		if name, value, ok := strings.Cut(v, "="); ok {
			p.Env[name] = value
		}
	}
	return p, nil
}

// startOf is the boot, the pid and the start time of a process.
func startOf(pid int, path string) string {
	boot, errBoot := os.ReadFile("/proc/sys/kernel/random/boot_id")
	stat, errStat := os.ReadFile(path)
	// The name of the program, in parentheses, may have anything in it.
	_, after, ok := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	fields := strings.Fields(after)
	if cmp.Or(errBoot, errStat) != nil || !ok || len(fields) <= startField {
		return ""
	}
	return fmt.Sprintf("%s/%d/%s", bytes.TrimSpace(boot), pid, fields[startField])
}

// startField is that of the start time, after the program's name.
const startField = 19

// systemUnit is the cgroup of a system service, of any slice: that of containerd
// on EKS is runtime.slice. Who reads it in a cgroup namespace of its own sees the way
// up from there before it.
var systemUnit = regexp.MustCompile(`(?m):(?:/\.\.)*/[^/\n]+\.slice/([^/\n]+\.service)$`)

// unitOf reads the systemd unit of a process from its file of cgroups.
func unitOf(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if m := systemUnit.FindSubmatch(data); m != nil {
		return strings.TrimSuffix(string(m[1]), ".service")
	}
	return ""
}

// stringsOf splits strings that end in a zero byte each.
func stringsOf(data []byte) []string {
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// ConfigFile is the main configuration file that the process was told to read;
// empty: the default one. A relative path is one from its working directory, and
// stays relative where that is not known.
func (p Process) ConfigFile() string {
	path := p.configArg()
	if path == "" || filepath.IsAbs(path) || p.Dir == "" {
		return path
	}
	return filepath.Join(p.Dir, path)
}

// MainConfig is containerd's main file unless it is told otherwise.
const MainConfig = "/etc/containerd/config.toml"

// MainConfig is the main file that d reads: the usual one where d is nil or its
// own is not known.
func (d *Daemon) MainConfig(usual string) string {
	if d != nil && filepath.IsAbs(d.ConfigFile()) {
		return d.ConfigFile()
	}
	return usual
}

func (p Process) configArg() string {
	for _, name := range []string{"--config", "-config", "-c"} {
		for _, arg := range p.Args {
			if value, ok := strings.CutPrefix(arg, name+"="); ok {
				return value
			}
		}
		if i := slices.Index(p.Args, name); i >= 0 && i+1 < len(p.Args) {
			return p.Args[i+1]
		}
	}
	return ""
}
