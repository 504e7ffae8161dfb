package runtime

import (
	"encoding/json"
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/runtime/proc"
)

func TestPlanNamespaces(t *testing.T) {
	all := func(s *specs.Spec) {
		s.Linux.Namespaces = nil
		for _, t := range []specs.LinuxNamespaceType{"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"} {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: t, Path: "/some/" + string(t)})
		}
	}
	const want = unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS |
		unix.CLONE_NEWUSER | unix.CLONE_NEWTIME
	spec := testSpec("c1")
	all(spec)
	data, err := json.Marshal(spec)
	must(t, err)
	for _, unified := range []bool{false, true} {
		s := planSourceOf(t, data)
		s.Unified = unified
		p, err := readPlan(s)
		must(t, err)
		flags := uint32(want)
		if !unified {
			flags |= unix.CLONE_NEWCGROUP
		}
		plan := p.Template
		(&execRun{cgroup: &hookCgroup{}}).planCgroups(&plan)
		if plan.Namespaces != flags || plan.OwnCgroupNamespace != unified || plan.Unified != unified {
			t.Errorf("unified %v: %x, own cgroup namespace %v", unified, plan.Namespaces, plan.OwnCgroupNamespace)
		}
		plan = p.Template
		(&execRun{}).planCgroups(&plan) // without a cgroup of its own it is in the container's
		if plan.Namespaces != want|unix.CLONE_NEWCGROUP || plan.OwnCgroupNamespace {
			t.Errorf("unified %v, no cgroup: %x, own cgroup namespace %v", unified, plan.Namespaces, plan.OwnCgroupNamespace)
		}
	}
}

func TestPlanOfAUserNamespace(t *testing.T) {
	for _, setgroups := range []bool{false, true} {
		cmd := exec.Command("cat")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:                 unix.CLONE_NEWUSER,
			UidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: 1, HostID: 70001, Size: 9}},
			GidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
			GidMappingsEnableSetgroups: setgroups,
		}
		stdin, err := cmd.StdinPipe()
		must(t, err)
		if err := cmd.Start(); err != nil {
			t.Skipf("no user namespace can be made here: %v", err)
		}
		defer func() { must(t, errors.Join(stdin.Close(), cmd.Wait())) }()
		for _, listed := range []bool{false, true} {
			spec := testSpec("c1")
			if listed {
				spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
			}
			data, err := json.Marshal(spec)
			must(t, err)
			s := planSourceOf(t, data)
			s.Init, err = ReadInit(cmd.Process.Pid)
			must(t, err)
			p, err := readPlan(s)
			must(t, err)
			if want := setgroups || !listed; p.Template.SetGroups != want {
				t.Errorf("setgroups %v, listed %v: SetGroups %v", setgroups, listed, p.Template.SetGroups)
			}
			want := 3
			if listed {
				want = 70003
			}
			if host, _, ok := p.HostOwner(3); host != want || !ok {
				t.Errorf("listed %v: host id %d, %v", listed, host, ok)
			}
		}
	}
}

func TestPlanOfAnInitThatIsGone(t *testing.T) {
	spec := testSpec("c1")
	spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	data, err := json.Marshal(spec)
	must(t, err)
	s := planSourceOf(t, data)
	s.Init.Start++
	if _, err := readPlan(s); !errors.Is(err, proc.ErrGone) {
		t.Errorf("got %v, want %v", err, proc.ErrGone)
	}
}

func TestHostOwner(t *testing.T) {
	own, err := planOf(t, newRunc, nil)
	must(t, err)
	uids, err := proc.ParseIDMap([]byte("         0     100000      65536\n  70000          5          1\n"))
	must(t, err)
	gids, err := proc.ParseIDMap([]byte("0 200000 65536\n"))
	must(t, err)
	mapped := &ContainerPlan{Template: joiner.Plan{Namespaces: unix.CLONE_NEWUSER}, uids: uids, gids: gids}
	rootless := &ContainerPlan{Template: joiner.Plan{Namespaces: unix.CLONE_NEWUSER}, uids: uids}
	for _, tt := range []struct {
		plan        *ContainerPlan
		uid         uint32
		user, group int
		ok          bool
	}{
		{own, 1234, 1234, -1, true}, {own, ^uint32(0), 1<<32 - 1, -1, true},
		{mapped, 0, 100000, 200000, true}, {mapped, 65535, 165535, 200000, true}, {mapped, 70000, 5, 200000, true},
		{mapped, 65536, 0, 0, false}, {mapped, 70001, 0, 0, false}, {rootless, 0, 100000, -1, true},
	} {
		if user, group, ok := tt.plan.HostOwner(tt.uid); user != tt.user || group != tt.group || ok != tt.ok {
			t.Errorf("%d: got %d, %d, %v; want %d, %d, %v", tt.uid, user, group, ok, tt.user, tt.group, tt.ok)
		}
	}
	if _, err := proc.ParseIDMap([]byte("0 1\n")); err == nil {
		t.Error("no error of a line of two numbers")
	}
}
