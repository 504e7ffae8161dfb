package doctor

import (
	"os"
	"slices"
	"strings"

	"github.com/moby/sys/capability"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/cmd/internal/program"
)

// cgroups tells which version is mounted at root and, where it is 1, whether
// there is a freezer, with which hooks are ended there.
func cgroups(root, mounts string) (v2, freezer bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
		return true, false
	}
	file, err := os.Open(mounts)
	if err != nil {
		return false, false
	}
	defer file.Close()
	found, err := mountinfo.GetMountsFromReader(file, mountinfo.FSTypeFilter("cgroup"))
	return false, err == nil && slices.ContainsFunc(found, func(m *mountinfo.Info) bool {
		return slices.Contains(strings.Split(m.VFSOptions, ","), "freezer")
	})
}

func cgroupsFit(f *Facts) Result {
	r, _ := f.runtime()
	name, usual := f.CRI.Runc()
	switch {
	case r.IsRunc() && r.SystemdCgroup() && !f.Systemd:
		return fail("set SystemdCgroup = false in the options of runtime \""+f.RuntimeName+"\", then "+f.restart(), "runtime %q has SystemdCgroup, and systemd does not run here: no container starts", f.RuntimeName)
	case r.IsRunc() && name != "" && r.SystemdCgroup() != usual.SystemdCgroup():
		return warn("set SystemdCgroup in the runtime's table, if it was written by hand; else "+f.configure()+", which takes over the options of "+name, "SystemdCgroup is %v in runtime %q and %v in %q: containers of the two are in different trees of cgroups", r.SystemdCgroup(), f.RuntimeName, usual.SystemdCgroup(), name)
	case f.CgroupV2:
		return pass("version 2")
	case f.Freezer:
		return pass("version 1, with a freezer")
	}
	return warn("mount the freezer controller of cgroup v1, or use cgroup v2",
		"no version 2, and no freezer of version 1: a cancelled hook's children that leave its session live on")
}

// The oldest kernel on which exec hooks are joined: setns by pidfd (5.8) and
// close_range (5.9). On cgroup v2 cgroup.kill came with 5.14.
const (
	joinMajor, joinMinor = 5, 9
	killMajor, killMinor = 5, 14
)

// kernel is the version of the one that runs.
func kernel() (program.Version, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return program.Version{}, err
	}
	return program.ParseVersion(unix.ByteSliceToString(name.Release[:]))
}

func kernelFits(f *Facts) Result {
	switch {
	case f.KernelErr != nil:
		return warn("see uname -r", "the kernel's version cannot be told: %v", f.KernelErr)
	case f.Kernel.Older(joinMajor, joinMinor):
		return warn("upgrade the kernel, or live with slower exec hooks", "Linux %s is older than %d.%d: exec hooks go through the runtime's own exec", f.Kernel, joinMajor, joinMinor)
	case f.CgroupV2 && f.Kernel.Older(killMajor, killMinor):
		return pass("Linux %s; before %d.%d a cancelled exec hook is killed process by process", f.Kernel, killMajor, killMinor)
	}
	return pass("Linux %s has all that exec hooks use", f.Kernel)
}

// need is a capability, and what it is for.
type need struct {
	cap capability.Cap
	to  string
}

// needs are those that the shim and what it starts inherit from containerd.
func needs() []need {
	return []need{
		{capability.CAP_SYS_ADMIN, "join namespaces"},
		{capability.CAP_SYS_CHROOT, "join mount namespaces"},
		{capability.CAP_SYS_PTRACE, "open namespaces of containers"},
		{capability.CAP_KILL, "end hooks of other users"},
		{capability.CAP_SETUID, "take on the container's user"},
		{capability.CAP_SETGID, "take on the container's groups"},
		{capability.CAP_SETPCAP, "take on the container's capabilities"},
		{capability.CAP_DAC_OVERRIDE, "make cgroups for hooks"},
	}
}

// capabilitiesOf are the effective ones of a process; nil where they cannot be
// told.
func capabilitiesOf(pid int) map[capability.Cap]bool {
	caps, err := capability.NewPid2(pid)
	if err != nil || caps.Load() != nil {
		return nil
	}
	held := map[capability.Cap]bool{}
	for _, n := range needs() {
		held[n.cap] = caps.Get(capability.EFFECTIVE, n.cap)
	}
	return held
}

func capabilitiesHeld(f *Facts) Result {
	whose := "containerd"
	if f.Daemon == nil {
		whose = "this process"
	}
	if f.Capabilities == nil {
		return warn("run bookend doctor as root", "those of %s cannot be read", whose)
	}
	var missing []string
	for _, n := range needs() {
		if !f.Capabilities[n.cap] {
			missing = append(missing, "CAP_"+strings.ToUpper(n.cap.String())+" ("+n.to+")")
		}
	}
	if len(missing) == 0 {
		return pass("%s has those that hooks need", whose)
	}
	result := fail("run containerd as root, without CapabilityBoundingSet in its unit", "%s lacks %s", whose, strings.Join(missing, ", "))
	if f.Daemon == nil {
		result.Status, result.Fix = Warning, "run bookend doctor as root, with containerd running"
	}
	return result
}
