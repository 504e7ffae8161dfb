package main

import (
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestAProfileWithoutNames(t *testing.T) {
	full := &specs.LinuxSeccomp{
		DefaultAction: specs.ActErrno,
		Syscalls: []specs.LinuxSyscall{
			{Names: []string{"read", "mseal", "write"}, Action: specs.ActAllow},
			{Names: []string{"mseal"}, Action: specs.ActErrno},
		},
	}
	got := withoutNames(full, []string{"mseal", "none"})
	if got.DefaultAction != specs.ActErrno || len(got.Syscalls) != 1 || !slices.Equal(got.Syscalls[0].Names, []string{"read", "write"}) {
		t.Errorf("%+v", got)
	}
	if len(full.Syscalls) != 2 || !slices.Equal(full.Syscalls[0].Names, []string{"read", "mseal", "write"}) {
		t.Errorf("the profile itself is now %+v", full)
	}
}
