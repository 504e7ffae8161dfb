package runtime

import (
	"encoding/binary"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/joiner"
)

// rlimitResource finds the number of a resource that getrlimit(2) knows by name.
func rlimitResource(name string) (resource int, ok bool) {
	resource, ok = map[string]int{
		"RLIMIT_AS":         unix.RLIMIT_AS,
		"RLIMIT_CORE":       unix.RLIMIT_CORE,
		"RLIMIT_CPU":        unix.RLIMIT_CPU,
		"RLIMIT_DATA":       unix.RLIMIT_DATA,
		"RLIMIT_FSIZE":      unix.RLIMIT_FSIZE,
		"RLIMIT_LOCKS":      unix.RLIMIT_LOCKS,
		"RLIMIT_MEMLOCK":    unix.RLIMIT_MEMLOCK,
		"RLIMIT_MSGQUEUE":   unix.RLIMIT_MSGQUEUE,
		"RLIMIT_NICE":       unix.RLIMIT_NICE,
		"RLIMIT_NOFILE":     unix.RLIMIT_NOFILE,
		"RLIMIT_NPROC":      unix.RLIMIT_NPROC,
		"RLIMIT_RSS":        unix.RLIMIT_RSS,
		"RLIMIT_RTPRIO":     unix.RLIMIT_RTPRIO,
		"RLIMIT_RTTIME":     unix.RLIMIT_RTTIME,
		"RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING,
		"RLIMIT_STACK":      unix.RLIMIT_STACK,
	}[name]
	return resource, ok
}

// readRlimits refuses two of one resource, which the specification calls an error.
func readRlimits(limits []specs.POSIXRlimit) ([]joiner.Rlimit, error) {
	var out []joiner.Rlimit
	for _, l := range limits {
		resource, ok := rlimitResource(l.Type)
		switch {
		case !ok:
			return nil, ownExec("process.rlimits", "type %q is not known", l.Type)
		case slices.ContainsFunc(out, func(r joiner.Rlimit) bool { return r.Resource == resource }):
			return nil, ownExec("process.rlimits", "type %q is there twice", l.Type)
		}
		out = append(out, joiner.Rlimit{Resource: resource, Soft: l.Soft, Hard: l.Hard})
	}
	return out, nil
}

// readPriorities reads what decides about the share of a process. No exec but that
// of runc 1.3 and newer is known to care for scheduler and I/O priority.
func (p *ContainerPlan) readPriorities(c *config, s planSource) (err error) {
	if p.Template.Rlimits, err = readRlimits(c.Process.Rlimits); err != nil {
		return err
	}
	p.Template.OOMScoreAdj = c.Process.OOMScoreAdj
	cares := s.Runtime.runcSince(3)
	if sched := c.Process.Scheduler; sched != nil {
		if !cares {
			return ownExec("process.scheduler", "it is not known what %s %s makes of it", s.Runtime.Name, s.Runtime.Version)
		}
		if p.Template.Scheduler, err = schedAttr(sched); err != nil {
			return err
		}
	}
	if prio := c.Process.IOPriority; prio != nil {
		if !cares {
			return ownExec("process.ioPriority", "it is not known what %s %s makes of it", s.Runtime.Name, s.Runtime.Version)
		}
		p.Template.IOPriority, err = ioPriority(prio)
	}
	return err
}

// schedAttr is the struct sched_attr of a scheduler, as libcontainer's ToSchedAttr
// has it.
func schedAttr(s *specs.Scheduler) ([]byte, error) {
	policies := []specs.LinuxSchedulerPolicy{ // each at its number in sched(7)
		specs.SchedOther, specs.SchedFIFO, specs.SchedRR, specs.SchedBatch, specs.SchedISO, specs.SchedIdle, specs.SchedDeadline,
	}
	bits := []specs.LinuxSchedulerFlag{ // each at its bit in sched_setattr(2)
		specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun, specs.SchedFlagKeepPolicy,
		specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin, specs.SchedFlagUtilClampMax,
	}
	policy := slices.Index(policies, s.Policy)
	if policy < 0 {
		return nil, ownExec("process.scheduler.policy", "%q is not known", s.Policy)
	}
	attr := unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: uint32(policy), Nice: s.Nice, Priority: uint32(s.Priority),
		Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
	}
	for _, f := range s.Flags {
		bit := slices.Index(bits, f)
		if bit < 0 {
			return nil, ownExec("process.scheduler.flags", "%q is not known", f)
		}
		attr.Flags |= 1 << bit
	}
	return binary.Append(nil, binary.NativeEndian, &attr)
}

// ioPriority is the value for ioprio_set(2).
func ioPriority(p *specs.LinuxIOPriority) (*int, error) {
	const classShift = 13
	classes := []specs.IOPriorityClass{"", specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE}
	class := slices.Index(classes, p.Class)
	if class <= 0 {
		return nil, ownExec("process.ioPriority.class", "%q is not known", p.Class)
	}
	if p.Priority < 0 || p.Priority > 7 {
		return nil, ownExec("process.ioPriority.priority", "%d is not between 0 and 7", p.Priority)
	}
	value := class<<classShift | p.Priority
	return &value, nil
}

// readPersonality reads the domain. runc configures it in the right place since 1.4.
func (p *ContainerPlan) readPersonality(c *config, s planSource) error {
	if c.Linux.Personality == nil {
		return nil
	}
	if s.Runtime.Name == nameRunc && !s.Runtime.runcSince(4) {
		return ownExec("linux.personality", "it is not known what runc %s makes of it", s.Runtime.Version)
	}
	var domain uint64
	switch c.Linux.Personality.Domain {
	case specs.PerLinux:
	case specs.PerLinux32:
		domain = 0x8 // PER_LINUX32 in <linux/personality.h>
	default:
		return ownExec("linux.personality.domain", "%q is not known", c.Linux.Personality.Domain)
	}
	p.Template.Personality = &domain
	return nil
}
