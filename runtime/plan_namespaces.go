package runtime

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// namespaceFlag is the flag of a type of namespace; 0: it is not known.
func namespaceFlag(t specs.LinuxNamespaceType) uint32 {
	switch t {
	case specs.PIDNamespace:
		return unix.CLONE_NEWPID
	case specs.NetworkNamespace:
		return unix.CLONE_NEWNET
	case specs.MountNamespace:
		return unix.CLONE_NEWNS
	case specs.IPCNamespace:
		return unix.CLONE_NEWIPC
	case specs.UTSNamespace:
		return unix.CLONE_NEWUTS
	case specs.UserNamespace:
		return unix.CLONE_NEWUSER
	case specs.CgroupNamespace:
		return unix.CLONE_NEWCGROUP
	case specs.TimeNamespace:
		return unix.CLONE_NEWTIME
	}
	return 0
}

// readNamespaces reads which namespaces of the init are the container's, as in
// libcontainer's orderNamespacePaths: those that the configuration lists, made
// for it or not. On cgroup v2 a hook has a cgroup namespace of its own, rooted in
// its own cgroup.
func (p *ContainerPlan) readNamespaces(c *config, s planSource) error {
	var flags uint32
	for _, ns := range c.Linux.Namespaces {
		flag := namespaceFlag(ns.Type)
		switch {
		case flag == 0:
			return ownExec("linux.namespaces", "type %q is not known", ns.Type)
		case flags&flag != 0:
			return ownExec("linux.namespaces", "type %q is there twice", ns.Type)
		}
		flags |= flag
	}
	if flags&unix.CLONE_NEWNS == 0 {
		return ownExec("linux.namespaces", "there is no mount namespace")
	}
	if s.Unified && flags&unix.CLONE_NEWCGROUP != 0 {
		flags &^= unix.CLONE_NEWCGROUP
		p.Template.OwnCgroupNamespace = true
	}
	p.Template.Namespaces = flags
	return nil
}

// idMap is a map as in /proc/<pid>/uid_map.
type idMap []struct{ inside, outside, size int64 }

// readIDMap reads one of the maps of an init.
func readIDMap(proc *os.File, name string) (idMap, error) {
	data, err := readInProc(proc, name)
	if err != nil {
		return nil, err
	}
	return parseIDMap(data)
}

func parseIDMap(data []byte) (idMap, error) {
	var m idMap
	for line := range strings.Lines(string(data)) {
		m = append(m, struct{ inside, outside, size int64 }{})
		r := &m[len(m)-1]
		if _, err := fmt.Sscan(line, &r.inside, &r.outside, &r.size); err != nil {
			return nil, fmt.Errorf("malformed map of ids %q: %w", line, err)
		}
	}
	return m, nil
}

func (m idMap) host(id uint32) (int, bool) {
	for _, r := range m {
		if d := int64(id) - r.inside; d >= 0 && d < r.size {
			return int(r.outside + d), true
		}
	}
	return 0, false
}

// readInProc reads a file of an init's /proc directory.
func readInProc(proc *os.File, name string) ([]byte, error) {
	f, err := openInProc(proc, name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, goneOr(name, err)
	}
	return data, nil
}
