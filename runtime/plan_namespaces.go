package runtime

import (
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// namespaceFlag is the flag of a type of namespace; 0: it is not known.
func namespaceFlag(t specs.LinuxNamespaceType) uint32 {
	return map[specs.LinuxNamespaceType]uint32{
		specs.PIDNamespace:     unix.CLONE_NEWPID,
		specs.NetworkNamespace: unix.CLONE_NEWNET,
		specs.MountNamespace:   unix.CLONE_NEWNS,
		specs.IPCNamespace:     unix.CLONE_NEWIPC,
		specs.UTSNamespace:     unix.CLONE_NEWUTS,
		specs.UserNamespace:    unix.CLONE_NEWUSER,
		specs.CgroupNamespace:  unix.CLONE_NEWCGROUP,
		specs.TimeNamespace:    unix.CLONE_NEWTIME,
	}[t]
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
