package runtime

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/joiner"
)

var (
	newRunc  = Identity{Name: "runc", Version: "1.5.2", Plain: true}
	oldRunc  = Identity{Name: "runc", Version: "1.1.5+ds1", Plain: true}
	someCrun = Identity{Name: "crun", Version: "1.8.1", Plain: true}
)

// planSourceOf is the source of a plan whose init is this process.
func planSourceOf(t *testing.T, config []byte) planSource {
	t.Helper()
	init, err := ReadInit(os.Getpid())
	must(t, err)
	s := planSource{ID: "c1", Bundle: t.TempDir(), Init: init, Runtime: newRunc}
	must(t, os.WriteFile(filepath.Join(s.Bundle, "config.json"), config, 0o600))
	return s
}

// planOf makes the plan of the test's specification as edit leaves it.
func planOf(t *testing.T, rt Identity, edit func(*specs.Spec)) (*ContainerPlan, error) {
	t.Helper()
	spec := testSpec("c1")
	if edit != nil {
		edit(spec)
	}
	data, err := json.Marshal(spec)
	must(t, err)
	s := planSourceOf(t, data)
	s.Runtime = rt
	return readPlan(s)
}

func TestPlanOfAContainer(t *testing.T) {
	umask, oom := uint32(0o77), 300
	p, err := planOf(t, newRunc, func(s *specs.Spec) {
		s.Process.User = specs.User{UID: 1234, GID: 2345, AdditionalGids: []uint32{50, 2345}, Umask: &umask}
		s.Process.Cwd = "/scratch"
		s.Process.Capabilities = &specs.LinuxCapabilities{
			Bounding: []string{"CAP_CHOWN", "CAP_KILL"}, Effective: []string{"CAP_DAC_OVERRIDE"}, Permitted: []string{"CAP_FOWNER"},
			Inheritable: []string{"CAP_FSETID"}, Ambient: []string{"CAP_CHECKPOINT_RESTORE"},
		}
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}, {Type: "RLIMIT_CORE", Hard: ^uint64(0)}}
		s.Process.NoNewPrivileges, s.Process.ApparmorProfile, s.Process.SelinuxLabel = true, "profile", "label"
		s.Process.OOMScoreAdj = &oom
		s.Process.Scheduler = &specs.Scheduler{
			Policy: specs.SchedBatch, Nice: -5, Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagResetOnFork, specs.SchedFlagKeepParams},
		}
		s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_IDLE, Priority: 6}
		s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32}
		s.Linux.Resources = &specs.LinuxResources{}
		s.Hooks = &specs.Hooks{}
	})
	must(t, err)
	personality, priority := uint64(8), 3<<13|6
	init, err := ReadInit(os.Getpid())
	must(t, err)
	want := joiner.Plan{
		InitPid: init.Pid, InitStart: init.Start,
		Namespaces: unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNS | unix.CLONE_NEWNET,
		UID:        1234, GID: 2345, Groups: []uint32{50, 2345}, SetGroups: true, Umask: &umask, Cwd: "/scratch",
		NoNewPrivs: true, Caps: &joiner.Caps{Bounding: 1<<0 | 1<<5, Effective: 1 << 1, Permitted: 1 << 3, Inheritable: 1 << 4, Ambient: 1 << 40},
		Rlimits:     []joiner.Rlimit{{Resource: unix.RLIMIT_NOFILE, Soft: 100, Hard: 200}, {Resource: unix.RLIMIT_CORE, Hard: ^uint64(0)}},
		OOMScoreAdj: &oom, Personality: &personality, IOPriority: &priority,
		Keyring: "_ses.c1", KeyLabel: "label", ExecLabel: "label", AppArmor: "profile",
	}
	sched := p.Template.Scheduler
	p.Template.Scheduler = nil
	if !reflect.DeepEqual(p.Template, want) {
		t.Errorf("got  %+v\nwant %+v", p.Template, want)
	}
	// size, policy, flags, nice, priority and three times of struct sched_attr
	if got := littleEndian(sched); !slices.Equal(got, []uint32{56, 3, 0x11, 0, ^uint32(4), 0, 0, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("sched_attr %x", got)
	}
	if p.Seccomp != nil {
		t.Errorf("seccomp %s", p.Seccomp)
	}
}

// littleEndian are the words of a structure, on the machines that tests run on.
func littleEndian(b []byte) []uint32 {
	var words []uint32
	for ; len(b) >= 4; b = b[4:] {
		words = append(words, uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24)
	}
	return words
}

func TestPlanWithoutKeyring(t *testing.T) {
	spec := testSpec("c1")
	spec.Process.SelinuxLabel = "label"
	data, err := json.Marshal(spec)
	must(t, err)
	s := planSourceOf(t, data)
	s.NoNewKeyring = true
	p, err := readPlan(s)
	must(t, err)
	if p.Template.Keyring != "" || p.Template.KeyLabel != "" || p.Template.ExecLabel != "label" {
		t.Errorf("keyring %q, label %q, of the process %q", p.Template.Keyring, p.Template.KeyLabel, p.Template.ExecLabel)
	}
}

func TestPlanSeccomp(t *testing.T) {
	for profile, want := range map[string]string{
		`null`: "", `{"defaultAction":""}`: "",
		`{"flags":[], "defaultAction":"SCMP_ACT_ALLOW"}`:                 `{"flags":[], "defaultAction":"SCMP_ACT_ALLOW"}`,
		`{"defaultAction":"","syscalls":[{"names":["x"],"action":"A"}]}`: `{"defaultAction":"","syscalls":[{"names":["x"],"action":"A"}]}`,
	} {
		data, err := json.Marshal(testSpec("c1"))
		must(t, err)
		p, err := readPlan(planSourceOf(t, []byte(strings.Replace(string(data), `"linux":{`, `"linux":{"seccomp":`+profile+`,`, 1))))
		must(t, err)
		if string(p.Seccomp) != want {
			t.Errorf("%s: got %s, want %s", profile, p.Seccomp, want)
		}
	}
}
