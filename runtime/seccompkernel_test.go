package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/joiner"
)

// The programs are those that the kernel holds for containers of a runc that is
// built from the same library.
func TestProgramIsTheOneOfTheContainer(t *testing.T) {
	wantSameLibrary(t)
	for name, tc := range map[string]struct {
		profile *specs.LinuxSeccomp
		nnp     bool
		flags   uint32
	}{
		"containerd's default":                       {seccomp.DefaultProfile(testSpec("x")), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"containerd's default, with no_new_privs":    {seccomp.DefaultProfile(testSpec("x")), true, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"one architecture":                           {native(seccomp.DefaultProfile(testSpec("x"))), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"no flags":                                   {deny(nil), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"flags that are none":                        {deny(flags(tsync)), false, 0},
		"flags that are none, with no_new_privs":     {deny(flags(tsync)), true, 0},
		"logged":                                     {deny(flags(specs.LinuxSeccompFlagLog)), false, unix.SECCOMP_FILTER_FLAG_LOG},
		"logged, unmitigated":                        {deny(flags(specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow)), true, unix.SECCOMP_FILTER_FLAG_LOG | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"arguments":                                  {arguments(), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"killed by default":                          {onlyKnown(specs.ActKillProcess, nil), true, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"an error of its own by default":             {onlyKnown(specs.ActErrno, number(uint(unix.EXDEV))), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"ENOSYS by default":                          {onlyKnown(specs.ActErrno, number(uint(unix.ENOSYS))), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"logged by default":                          {onlyKnown(specs.ActLog, nil), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"an older machine's calls as well":           {architectures(seccomp.DefaultProfile(testSpec("x"))), false, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		"an older machine's calls as well, denylist": {architectures(arguments()), true, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, func(s *specs.Spec) {
				s.Linux.Seccomp, s.Process.NoNewPrivileges = tc.profile, tc.nnp
			})
			// Before that it may have no filter yet, and the thread that becomes
			// the init may not be the one that is traced.
			eventually(t, "the container's own process", func() bool {
				comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.Init.Pid))
				return err == nil && string(comm) == "sh\n"
			})
			held := heldByKernel(t, c.Init.Pid)
			got := compiledFrom(t, tc.profile)
			if got.Flags != tc.flags || got.Prctl != (tc.flags == 0) {
				t.Errorf("flags %#x, by prctl %v", got.Flags, got.Prctl)
			}
			if logged := got.Flags & unix.SECCOMP_FILTER_FLAG_LOG; uint64(logged) != held.flags {
				t.Errorf("flags %#x, the container has %#x", got.Flags, held.flags)
			}
			// The order of its rules for other architectures is that of a map.
			if len(tc.profile.Architectures) <= 1 && !bytes.Equal(got.Program, held.program) {
				t.Errorf("the programs differ: %d and %d bytes", len(got.Program), len(held.program))
			}
			wantSameAnswers(t, got.Program, held.program)
		})
	}
}

// An empty list of flags, which package specs cannot write, is not an absent one.
func TestEmptyFlagsAreNone(t *testing.T) {
	_, execPath := binaries(t)
	for flags, want := range map[string]uint32{``: unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, `"flags": [],`: 0, `"flags": null,`: unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW} {
		cmd := exec.Command(execPath, "compile")
		cmd.Stdin = strings.NewReader(`{"seccomp": {` + flags + aProfile[1:] + `}`)
		out, err := cmd.Output()
		must(t, err)
		p, err := parseSeccompProgram(out)
		if err != nil || p.Flags != want || p.Prctl != (want == 0) {
			t.Errorf("%q: flags %#x, by prctl %v, %v", flags, p.Flags, p.Prctl, err)
		}
	}
}

// Rules that nobody knows are named, each once.
func TestUnresolvedRulesAreNamed(t *testing.T) {
	_, execPath := binaries(t)
	cmd := exec.Command(execPath, "compile")
	cmd.Stdin = strings.NewReader(`{"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
		{"names": ["read", "zeta", "alpha"], "action": "SCMP_ACT_ALLOW"}, {"names": ["zeta"], "action": "SCMP_ACT_ERRNO"}]}}`)
	out, err := cmd.Output()
	must(t, err)
	p, err := parseSeccompProgram(out)
	if err != nil || !slices.Equal(p.Unresolved, []string{"alpha", "zeta"}) {
		t.Errorf("got %q, %v", p.Unresolved, err)
	}
}

// Under load, with collections of the Go runtime's and signals between any two
// of its steps, a program is still caught, and whole.
func TestProgramIsCaughtUnderLoad(t *testing.T) {
	const atOnce, rounds = 8, 4
	_, execPath := binaries(t)
	profile := native(seccomp.DefaultProfile(testSpec("x"))) // one program for all runs
	request := seccompRequest(t, profile)
	want := compiledFrom(t, profile)
	stop := make(chan struct{})
	var hogs, runs sync.WaitGroup
	for range 2 * goruntime.NumCPU() {
		hogs.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	var signals int
	var mu sync.Mutex
	for range atOnce {
		runs.Go(func() {
			for range rounds {
				sent, answer, err := compileUnderSignals(t.Context(), execPath, request)
				if err != nil {
					t.Errorf("after %d signals: %v", sent, err)
					continue
				}
				program, err := parseSeccompProgram(answer)
				if err != nil || !bytes.Equal(program.Program, want.Program) || program.Flags != want.Flags {
					t.Errorf("after %d signals: %d bytes, %v", sent, len(program.Program), err)
				}
				mu.Lock()
				signals += sent
				mu.Unlock()
			}
		})
	}
	runs.Wait()
	close(stop)
	hogs.Wait()
	t.Logf("%d programs, %d signals", atOnce*rounds, signals)
}

// compileUnderSignals runs the compiler with as many collections as can be, and
// sends every thread of it signals until it ends.
func compileUnderSignals(ctx context.Context, execPath string, request []byte) (sent int, answer []byte, err error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, execPath, "compile")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), &out, &errs
	cmd.Env = []string{"GOGC=1"}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = cmd.Wait()
	}()
	for {
		select {
		case <-ended:
			if err != nil {
				err = fmt.Errorf("%w: %s", err, errs.Bytes())
			}
			return sent, out.Bytes(), err
		default:
			sent += signalThreads(cmd.Process.Pid)
		}
	}
}

// signalThreads sends SIGWINCH, which the Go runtime handles and ignores, to
// all threads of a process that have come as far as to handle it.
func signalThreads(pid int) (sent int) {
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err == nil && unix.Tgkill(pid, tid, unix.SIGWINCH) == nil {
			sent++
		}
	}
	return sent
}

func wantSameLibrary(t *testing.T) {
	t.Helper()
	runcPath, execPath := binaries(t)
	of := func(path string) string {
		out, err := exec.Command(path, "--version").Output()
		must(t, err)
		for _, line := range lines(out) {
			if version, ok := strings.CutPrefix(line, "libseccomp: "); ok {
				return version
			}
		}
		return ""
	}
	if a, b := of(runcPath), of(execPath); a != b {
		t.Skipf("runc has libseccomp %s, bookend-exec %s", a, b)
	}
}

// compiledFrom is the program of a profile. That a rule is not known is no
// matter to a runtime of the same library.
func compiledFrom(t *testing.T, profile *specs.LinuxSeccomp) *joiner.Seccomp {
	t.Helper()
	_, execPath := binaries(t)
	cmd := exec.Command(execPath, "compile")
	cmd.Stdin = bytes.NewReader(seccompRequest(t, profile))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.Bytes())
	}
	p, err := parseSeccompProgram(out)
	must(t, err)
	return &joiner.Seccomp{Flags: p.Flags, Prctl: p.Prctl, Program: p.Program}
}

func seccompRequest(t *testing.T, profile *specs.LinuxSeccomp) []byte {
	t.Helper()
	request, err := json.Marshal(map[string]any{"seccomp": profile})
	must(t, err)
	return request
}

// heldProgram is what the kernel tells of a process's newest filter.
type heldProgram struct {
	program []byte
	flags   uint64 // none but SECCOMP_FILTER_FLAG_LOG is told
}

// heldByKernel reads the filter of a process: see ptrace(2),
// PTRACE_SECCOMP_GET_FILTER.
func heldByKernel(t *testing.T, pid int) heldProgram {
	t.Helper()
	goruntime.LockOSThread() // ptrace knows threads
	defer goruntime.UnlockOSThread()
	must(t, unix.PtraceSeize(pid))
	defer func() { must(t, unix.PtraceDetach(pid)) }()
	must(t, unix.PtraceInterrupt(pid))
	var ws syscall.WaitStatus
	_, err := syscall.Wait4(pid, &ws, unix.WALL, nil)
	must(t, err)
	instructions := ptraceFilter(t, pid, unix.PTRACE_SECCOMP_GET_FILTER, 0, nil)
	held := heldProgram{program: make([]byte, instructions*int(unsafe.Sizeof(unix.SockFilter{})))}
	ptraceFilter(t, pid, unix.PTRACE_SECCOMP_GET_FILTER, 0, unsafe.Pointer(&held.program[0]))
	var metadata struct{ filter, flags uint64 }
	ptraceFilter(t, pid, unix.PTRACE_SECCOMP_GET_METADATA, unsafe.Sizeof(metadata), unsafe.Pointer(&metadata))
	held.flags = metadata.flags
	return held
}

func ptraceFilter(t *testing.T, pid, request int, addr uintptr, data unsafe.Pointer) int {
	t.Helper()
	n, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), addr, uintptr(data), 0, 0)
	if errno != 0 {
		t.Fatalf("ptrace %#x: %v", request, errno)
	}
	return int(n)
}

// tsync is a flag that runc passes over.
const tsync specs.LinuxSeccompFlag = "SECCOMP_FILTER_FLAG_TSYNC"

func flags(f ...specs.LinuxSeccompFlag) []specs.LinuxSeccompFlag { return f }

func number(n uint) *uint { return &n }

// deny is a list of what is forbidden.
func deny(f []specs.LinuxSeccompFlag) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: f, Syscalls: []specs.LinuxSyscall{
		{Names: []string{"swapon", "swapoff"}, Action: specs.ActErrno},
		{Names: []string{"kexec_load"}, Action: specs.ActErrno, ErrnoRet: number(uint(unix.EXDEV))},
		{Names: []string{"init_module"}, Action: specs.ActKillProcess},
		{Names: []string{"acct"}, Action: specs.ActTrace, ErrnoRet: number(7)},
		{Names: []string{"nfsservctl"}, Action: specs.ActTrap},
	}}
}

// arguments has one rule for each comparison, and two of one argument.
func arguments() *specs.LinuxSeccomp {
	p := deny(nil)
	for i, op := range []specs.LinuxSeccompOperator{
		specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpEqualTo, specs.OpGreaterEqual, specs.OpGreaterThan, specs.OpMaskedEqual,
	} {
		value := uint64(i)<<33 | 0x1234
		arg := specs.LinuxSeccompArg{Index: uint(i % 6), Value: value, ValueTwo: value & 0xff, Op: op}
		p.Syscalls = append(p.Syscalls,
			specs.LinuxSyscall{Names: []string{"quotactl"}, Action: specs.ActErrno, ErrnoRet: number(uint(100 + i)), Args: []specs.LinuxSeccompArg{arg}},
			specs.LinuxSyscall{Names: []string{"add_key"}, Action: specs.ActErrno, ErrnoRet: number(90), Args: []specs.LinuxSeccompArg{
				arg, {Index: arg.Index, Value: 1, Op: specs.OpEqualTo},
			}})
	}
	return p
}

// onlyKnown allows what containerd does, and does something else of its own
// with all other calls.
func onlyKnown(action specs.LinuxSeccompAction, errno *uint) *specs.LinuxSeccomp {
	p := seccomp.DefaultProfile(testSpec("x"))
	p.DefaultAction, p.DefaultErrnoRet = action, errno
	return p
}

// native leaves the other architectures out.
func native(p *specs.LinuxSeccomp) *specs.LinuxSeccomp {
	p.Architectures = nil
	return p
}

// architectures adds those whose programs this machine runs as well.
func architectures(p *specs.LinuxSeccomp) *specs.LinuxSeccomp {
	p.Architectures = []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchX32}
	if goruntime.GOARCH == "arm64" {
		p.Architectures = []specs.Arch{specs.ArchAARCH64, specs.ArchARM}
	}
	return p
}
