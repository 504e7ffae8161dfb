package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/opencontainers/runc/libcontainer/specconv"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/wire"
)

// compile reads a [wire.SeccompRequest] and writes the [wire.SeccompProgram]
// that runc's library makes of it.
func compile(from io.Reader, to io.Writer) error {
	var req wire.SeccompRequest
	if err := json.NewDecoder(from).Decode(&req); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	program, err := compileProfile(req.Seccomp)
	if err != nil {
		return err
	}
	return json.NewEncoder(to).Encode(program)
}

func compileProfile(data []byte) (wire.SeccompProgram, error) {
	none := wire.SeccompProgram{}
	profile, err := readProfile(data)
	if err != nil {
		return none, fmt.Errorf("linux.seccomp: %w", err)
	}
	config, err := specconv.SetupSeccomp(profile)
	if err != nil {
		return none, err
	}
	if config == nil {
		return none, errNoFilter
	}
	program, err := catchProgram(config)
	if err != nil {
		return none, err
	}
	if other := program.Flags &^ knownFlags; other != 0 {
		return none, fmt.Errorf("%w: %#x", errFlags, other)
	}
	program.Unresolved = unresolved(profile)
	program.Libseccomp = libseccompVersion()
	return program, nil
}

// knownFlags change nothing of how a program is loaded into one thread.
const knownFlags = unix.SECCOMP_FILTER_FLAG_LOG | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW

// readProfile reads a profile whose fields it knows all: one that it would drop
// may be what confines.
func readProfile(data []byte) (*specs.LinuxSeccomp, error) {
	var profile *specs.LinuxSeccomp
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&profile); err != nil {
		return nil, err
	}
	if profile == nil {
		return nil, errNoProfile
	}
	// A process that asks a listener is the runtime's to start, which hands
	// the listener its descriptor.
	if profile.ListenerPath != "" || profile.ListenerMetadata != "" {
		return nil, errListenerPath
	}
	if profile.DefaultAction == specs.ActNotify || slices.ContainsFunc(profile.Syscalls, notifies) {
		return nil, errNotify
	}
	return profile, nil
}

func notifies(rule specs.LinuxSyscall) bool { return rule.Action == specs.ActNotify }

// unresolved are the names of a profile that libseccomp does not know, each
// once. libcontainer passes over their rules.
func unresolved(profile *specs.LinuxSeccomp) []string {
	names := []string{}
	for _, rule := range profile.Syscalls {
		for _, name := range rule.Names {
			if !resolves(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
