package runtime

import (
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
// for it or not.
func (p *ContainerPlan) readNamespaces(c *config, _ planSource) error {
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
	p.Template.Namespaces = flags
	return nil
}
