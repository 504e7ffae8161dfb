package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// results is a run of the benchmarks, as it is kept.
type results struct {
	Began    time.Time  `json:"began"`
	Machine  machine    `json:"machine"`
	Outcomes []*outcome `json:"outcomes"`
}

// machine is where it ran, and what.
type machine struct {
	CPUs     int               `json:"cpus"`
	CPU      string            `json:"cpu"`
	Kernel   string            `json:"kernel"`
	Cgroups  string            `json:"cgroups"` // v1 or v2
	Versions map[string]string `json:"versions"`
}

// newMachine describes this machine. A program that is missing or doesn't tell
// its version has none.
func newMachine(s *site) (machine, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return machine{}, fmt.Errorf("uname: %w", err)
	}
	m := machine{
		CPUs: runtime.NumCPU(), CPU: cpuModel(), Kernel: unix.ByteSliceToString(name.Release[:]),
		Cgroups: "v1", Versions: map[string]string{},
	}
	if unified() {
		m.Cgroups = "v2"
	}
	tools := s.Binaries().Tools
	for program, path := range map[string]string{
		"containerd": filepath.Join(tools, "containerd"), "runc": filepath.Join(tools, "runc"),
		"crun": "crun", "nsenter": "nsenter",
	} {
		if out, err := exec.Command(path, "--version").Output(); err == nil {
			m.Versions[program], _, _ = strings.Cut(string(out), "\n")
		}
	}
	return m, nil
}

func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(info), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, "\t :")
}

// write writes the results to the file path.
func (r *results) write(path string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// readResults reads what write wrote.
func readResults(path string) (*results, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r results
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}
