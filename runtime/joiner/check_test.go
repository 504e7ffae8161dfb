package joiner

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/sys/user"
)

// checker is the joiner's own parsers, compiled with sanitizers: whatever they do
// wrong ends the program. For another architecture BOOKEND_TEST_CC names the
// compiler, and BOOKEND_TEST_EMULATOR what runs its programs.
type checker struct {
	testing.TB
	in  io.WriteCloser
	out io.ReadCloser
}

func newChecker(t testing.TB) *checker {
	t.Helper()
	program := filepath.Join(t.TempDir(), "check")
	compiler, sanitizers, run := []string{"gcc"}, "address,undefined", []string{program}
	if cross := os.Getenv("BOOKEND_TEST_CC"); cross != "" {
		// Under an emulator, which has no room for the address sanitizer's memory.
		compiler, sanitizers = append(strings.Fields(cross), "-static"), "undefined"
		run = append(strings.Fields(os.Getenv("BOOKEND_TEST_EMULATOR")), run...)
	}
	build := exec.Command(compiler[0], append(compiler[1:], "-std=gnu11", "-ffreestanding", "-g", "-O1", "-Wall", "-Wno-unused-function",
		"-fsanitize="+sanitizers,
		"-fno-sanitize-recover=all", "-o", program, "src/check/check.c")...)
	if out, err := build.CombinedOutput(); err != nil {
		if len(compiler) == 1 && strings.Contains(string(out), "cannot find") {
			t.Skipf("no sanitizers here: %s", out)
		}
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(run[0], run[1:]...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, &complaints)
		}
	})
	return &checker{t, in, out}
}

func (c *checker) ask(request ...any) {
	c.Helper()
	for _, part := range request {
		if err := binary.Write(c.in, binary.NativeEndian, part); err != nil {
			c.Fatalf("the checker is gone: %v", err)
		}
	}
}

func (c *checker) answer(to any) {
	c.Helper()
	if err := binary.Read(c.out, binary.NativeEndian, to); err != nil {
		c.Fatalf("the checker is gone: %v", err)
	}
}

func (c *checker) isPlan(data []byte) bool {
	c.Helper()
	c.ask(byte('p'), uint32(len(data)), data)
	var ok bool
	c.answer(&ok)
	return ok
}

func (c *checker) home(passwd []byte, uid uint32) string {
	c.Helper()
	c.ask(byte('h'), uint32(len(passwd)), uid, passwd)
	var n uint32
	c.answer(&n)
	home := make([]byte, n)
	c.answer(home)
	return string(home)
}

// plans are some of every kind.
func plans(t testing.TB) [][]byte {
	t.Helper()
	umask, score, domain, priority := uint32(0o27), -5, uint64(8), 7
	var encoded [][]byte
	for _, p := range []Plan{
		{Args: []string{"true"}, Cgroups: []string{"/sys/fs/cgroup"}},
		{Args: []string{"", "", "a b"}, Cgroups: []string{"/a", "/b"}, Candidates: []string{"/bin/x", "x"}, Env: []string{"A=", "B=c"}},
		{
			InitPid: 7, InitStart: 1 << 40, Namespaces: 1 << 29, Unified: true, OwnCgroupNamespace: true, AwaitStart: true,
			Args: []string{"x"}, Cgroups: []string{"/c"}, AddHome: true, BareName: true, Cwd: "/w", UID: 1, GID: 2,
			Groups: []uint32{3, 4, 5}, SetGroups: true, Umask: &umask, NoNewPrivs: true, Caps: &Caps{1, 2, 3, 4, 5},
			Rlimits: []Rlimit{{7, 8, 9}, {1, 2, 3}}, OOMScoreAdj: &score, Personality: &domain, Scheduler: make([]byte, 56),
			IOPriority: &priority, Keyring: "_ses.x", KeyLabel: "k", ExecLabel: "e", AppArmor: "a",
			Seccomp: &Seccomp{Flags: 4, Program: make([]byte, 24)},
		},
	} {
		data, err := p.encode()
		must(t, err)
		encoded = append(encoded, data)
	}
	return encoded
}

func TestThePlanIsReadAsItIsWritten(t *testing.T) {
	c := newChecker(t)
	for i, data := range plans(t) {
		if !c.isPlan(data) {
			t.Errorf("plan %d is refused", i)
		}
		for n := range len(data) {
			if c.isPlan(data[:n]) {
				t.Errorf("%d bytes of plan %d are taken for one", n, i)
			}
		}
	}
}

// Whatever a plan says, nothing outside of it is read.
func FuzzPlan(f *testing.F) {
	for _, data := range plans(f) {
		f.Add(data)
	}
	c := newChecker(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &checker{t, c.in, c.out}
		if len(data) >= 8 { // else all is refused for its size
			binary.NativeEndian.PutUint32(data, magic)
			binary.NativeEndian.PutUint32(data[4:], uint32(len(data)))
		}
		c.isPlan(data)
	})
}

// runcsHome is HOME as runc's getUserHome finds it.
func runcsHome(passwd []byte, uid uint32) string {
	users, err := user.ParsePasswdFilter(bytes.NewReader(passwd), func(u user.User) bool { return u.Uid == int(uid) })
	if err != nil || len(users) == 0 {
		return "HOME=/"
	}
	return "HOME=" + users[0].Home
}

// HOME is what runc makes of the same file, however malformed.
func FuzzHome(f *testing.F) {
	long := strings.Repeat("x", 65<<10)
	for _, passwd := range []string{
		"", "\n\n", "root:x:0:0:root:/root:/bin/sh\nana:x:1234:1234::/home/ana:/bin/sh\n", "ana:x:1234:1::/home/ana",
		"  \troot:x:0:0:root:/r r:/bin/sh  \r\n", "nonsense\n", "a:b:+7:0:x:/seven:/\n", "a:b:-1:0::/minus:/", "::::::::",
		"a:b:07:0::/octal:", "a:b:7x:0::/no:", "a:b:9999999999U9:0::/no:", "a:b:99999999999999999999U:0::/big:", "a:b:99999999999999999999:0::/big:", long + ":x:7:7::/long:\n",
		"a:x:7:7::/first:\n" + long + "\n", strings.Repeat("a:x:1:1::/one:\n", 9000) + "b:x:7:7::/last:", "a:x:4294967295:0::/max:",
		"a:x:7:7::/full:" + long[:65535-15] + "\nb:x:1:1::/one:\n", "a:x:7:7::/over:" + long[:65536-15] + "\n", "a:x:7:7::/end:" + long[:65535-14],
		"#a:x:7:7::/comment:\n", "a:x:7:7::" + long[:65000], "\va:x:7:7::/vt:\f",
	} {
		for _, uid := range []uint32{0, 1, 7, 1234, 1<<32 - 1} {
			f.Add([]byte(passwd), uid)
		}
	}
	c := newChecker(f)
	f.Fuzz(func(t *testing.T, passwd []byte, uid uint32) {
		// With a NUL runc fails: there is no such variable. It takes a line's spaces
		// off its ends, those outside of ASCII too, which the joiner leaves.
		if bytes.ContainsFunc(passwd, func(r rune) bool { return r == 0 || r >= 0x80 }) {
			return
		}
		c := &checker{t, c.in, c.out}
		if got, want := c.home(passwd, uid), runcsHome(passwd, uid); got != want {
			t.Errorf("got %.100q, want %.100q", got, want)
		}
	})
}
