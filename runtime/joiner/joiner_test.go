package joiner

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/proc"
)

// host is a process in namespaces of its own, as a container's init is.
type host struct {
	*testing.T
	joiner *Joiner
	plan   Plan
}

func newHost(t *testing.T) *host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to join namespaces")
	}
	j, err := Open()
	must(t, err) // ErrNotBuilt names the target of make
	t.Cleanup(func() { j.Close() })
	const flags = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	initProcess := exec.Command("/bin/busybox", "sleep", "1000")
	initProcess.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	must(t, initProcess.Start())
	t.Cleanup(func() { _ = initProcess.Process.Kill(); _ = initProcess.Wait() })
	return &host{T: t, joiner: j, plan: Plan{
		InitPid: initProcess.Process.Pid, InitStart: startOf(t, initProcess.Process.Pid),
		Namespaces: flags, Cgroups: ownCgroups(t),
		Args: []string{"sh"}, Candidates: []string{"/bin/sh"}, BareName: true, Env: []string{"PATH=/bin"},
	}}
}

// result is what became of one hook.
type result struct {
	stdout, stderr string
	news           []News
	exit           error // of the joiner
}

func (r result) last() News {
	if len(r.news) == 0 {
		return News{}
	}
	return r.news[len(r.news)-1]
}

// run lets the joiner carry out the plan; start is called once the hook waits.
func (h *host) run(start func(*os.File), args ...string) result {
	h.Helper()
	p := h.plan
	if len(args) > 0 {
		p.Args = args
	}
	var out, errs bytes.Buffer
	news, newsEnd := pipe(h)
	files := Files{News: newsEnd}
	var stdout, stderr *os.File
	stdout, files.Stdout = pipe(h)
	stderr, files.Stderr = pipe(h)
	var startEnd *os.File
	if start != nil {
		p.AwaitStart = true
		files.Start, startEnd = pipe(h)
	}
	cmd, release, err := h.joiner.Command(&p, files)
	must(h, err)
	must(h, cmd.Start())
	release()
	for _, f := range []*os.File{newsEnd, files.Stdout, files.Stderr, files.Start} {
		f.Close()
	}
	var r result
	read := func() bool {
		n, err := Read(news)
		if err != nil {
			return false
		}
		r.news = append(r.news, n)
		return true
	}
	if start != nil && read() {
		start(startEnd)
	}
	for read() {
	}
	_, _ = io.Copy(&out, stdout)
	_, _ = io.Copy(&errs, stderr)
	r.exit, r.stdout, r.stderr = cmd.Wait(), out.String(), errs.String()
	return r
}

func TestJoinerRunsACommand(t *testing.T) {
	h := newHost(t)
	r := h.run(nil, "sh", "-c", "echo out; echo err >&2; echo $$ $PPID; ls /proc/self/fd; exit 7")
	if r.last().Kind != Ended || r.last().Status.ExitStatus() != 7 || r.last().NeverRan || r.exit != nil {
		t.Errorf("told %+v, ended with %v; want exit status 7", r.news, r.exit)
	}
	if !strings.HasPrefix(r.stdout, "out\n") || r.stderr != "err\n" {
		t.Errorf("printed %q and %q", r.stdout, r.stderr)
	}
	t.Log(r.stdout)
}

func TestJoinerWaitsForTheStart(t *testing.T) {
	h := newHost(t)
	marker := filepath.Join(t.TempDir(), "marker")
	h.plan.Cwd = "/proc/self/nothing" // looked at after the byte
	r := h.run(func(start *os.File) {
		must(t, os.WriteFile(marker, nil, 0o600))
		_, err := start.Write([]byte{1})
		must(t, err)
		start.Close()
	})
	if l := r.last(); l.Kind != Failed || l.Step != Cwd || l.Errno != unix.ENOENT {
		t.Errorf("told %+v", r.news)
	}
	r = h.run(func(start *os.File) { start.Close() })
	if l := r.last(); l.Kind != Ended || !l.NeverRan {
		t.Errorf("with the pipe closed: told %+v, want that it never ran", r.news)
	}
}

func TestJoinerTellsTheStep(t *testing.T) {
	h := newHost(t)
	for name, tc := range map[string]struct {
		change func(*Plan)
		want   News
	}{
		"another init":   {func(p *Plan) { p.InitStart++ }, News{Kind: Failed, Step: CheckInit, Errno: unix.ESRCH}},
		"no init":        {func(p *Plan) { p.InitPid = 1 << 22 }, News{Kind: Failed, Step: OpenInit, Errno: unix.ESRCH}},
		"no cgroup":      {func(p *Plan) { p.Cgroups = []string{"/none"} }, News{Kind: Failed, Step: 5, Errno: unix.ENOENT}},
		"no command":     {func(p *Plan) { p.Candidates = []string{"/none", "/bin/none"} }, News{Kind: Failed, Step: LookUp, Errno: unix.ENOENT}},
		"relative":       {func(p *Plan) { p.Candidates, p.Cwd = []string{"sh"}, "/bin" }, News{Kind: Failed, Step: LookUp + 1}},
		"a directory":    {func(p *Plan) { p.Candidates, p.BareName = []string{"/bin"}, false }, News{Kind: Failed, Step: LookUp, Errno: unix.EISDIR}},
		"the joiner":     {func(p *Plan) { p.Candidates, p.BareName = []string{"/proc/self/exe"}, false }, News{Kind: Failed, Step: LookUp, Errno: unix.EACCES}},
		"a NUL in plan?": {func(p *Plan) { p.Cwd = "/none" }, News{Kind: Failed, Step: Cwd, Errno: unix.ENOENT}},
	} {
		t.Run(name, func(t *testing.T) {
			sub := *h
			sub.T = t
			tc.change(&sub.plan)
			if got := sub.run(nil).last(); got != tc.want {
				t.Errorf("told %+v (%v), want %+v", got, got.Error(), tc.want)
			}
		})
	}
}

// A directory of the host that were open in the hook's process would be a way out
// of the container: also that of a cgroup which cannot be joined.
func TestJoinerKeepsNoCgroupsDirectory(t *testing.T) {
	h := newHost(t)
	gone := t.TempDir() // has no cgroup.procs, as a cgroup that is being removed
	must(t, os.Symlink("/bin/busybox", filepath.Join(gone, "busybox")))
	h.plan.Unified, h.plan.Cgroups = true, append([]string{gone}, h.plan.Cgroups...)
	h.plan.Candidates = nil
	for fd := range 32 {
		h.plan.Candidates = append(h.plan.Candidates, fmt.Sprintf("/proc/self/fd/%d/busybox", fd))
	}
	if l := h.run(nil, "true").last(); l != (News{Kind: Failed, Step: LookUp, Errno: unix.ENOENT}) {
		t.Errorf("told %+v (%v), want that there is no command", l, l.Error())
	}
}

func startOf(t testing.TB, pid int) uint64 {
	t.Helper()
	stat, err := proc.ReadStat(pid)
	must(t, err)
	return stat.Start
}

// ownCgroups are this process' own: a move to where one is.
func ownCgroups(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/cgroup")
	must(t, err)
	for line := range strings.Lines(string(data)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		for _, dir := range []string{filepath.Join("/sys/fs/cgroup", f[1], f[2]), filepath.Join("/sys/fs/cgroup", f[2])} {
			if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
				return []string{dir}
			}
		}
	}
	t.Skip("no cgroup of this process is mounted")
	return nil
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
