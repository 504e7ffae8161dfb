package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// confine gives a container containerd's default seccomp profile, without the
// names that the libseccomp of bookend-exec does not know: each of them sends the
// hooks of a container to its runtime's own exec.
func (s *site) confine(spec *specs.Spec) error {
	profile := seccomp.DefaultProfile(spec)
	request, err := json.Marshal(map[string]any{"seccomp": profile})
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.Binaries().Bin, "bookend-exec"), "compile")
	cmd.Stdin = bytes.NewReader(request)
	reply, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	var compiled struct {
		Unresolved []string `json:"unresolved"`
	}
	if err := json.Unmarshal(reply, &compiled); err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	spec.Linux.Seccomp = withoutNames(profile, compiled.Unresolved)
	return nil
}

// withoutNames is a profile without some system calls.
func withoutNames(profile *specs.LinuxSeccomp, names []string) *specs.LinuxSeccomp {
	without := *profile
	without.Syscalls = nil
	for _, rule := range profile.Syscalls {
		rule.Names = slices.DeleteFunc(slices.Clone(rule.Names), func(name string) bool { return slices.Contains(names, name) })
		if len(rule.Names) > 0 {
			without.Syscalls = append(without.Syscalls, rule)
		}
	}
	return &without
}
