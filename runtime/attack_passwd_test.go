package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// passwds are files that a container may have in place of /etc/passwd, for
// root and for the user 1234.
var passwds = map[string]string{
	"empty":                   "",
	"no such user":            "someone:x:77:77::/home/someone:/bin/sh\n",
	"two lines":               "a:x:0:0::/first:/bin/sh\nb:x:0:0::/second:/bin/sh\nc:x:1234:1::/third:\n",
	"too few fields":          "root\nroot:x\nroot:x:0\nroot:x:0:0\nana:x:1234:1:comment\n",
	"no home":                 "root:x:0:0:::/bin/sh\nana:x:1234:1::\n",
	"not a number":            "root:x:zero:0::/zero:/bin/sh\nana:x:12a4:1::/ana:/bin/sh\nbob:x:1234:1::/bob:/bin/sh\n",
	"number with a sign":      "root:x:-0:0::/minus:/bin/sh\nana:x:+1234:1::/plus:/bin/sh\n",
	"number with zeros":       "root:x:000:0::/zeros:/bin/sh\nana:x:0001234:1::/zeros:/bin/sh\n",
	"number with spaces":      "root:x: 0:0::/space:/bin/sh\nana:x:1234 :1::/space:/bin/sh\n",
	"too large a number":      "ana:x:18446744073709552850:1::/wrapped:/bin/sh\nbob:x:4294968530:1::/wrapped:/bin/sh\n",
	"no number":               "root:x::0::/none:/bin/sh\n",
	"no newline at the end":   "ana:x:1234:1::/ana:/bin/sh\nroot:x:0:0::/root",
	"carriage returns":        "root:x:0:0::/root\r\nana:x:1234:1::/ana\r\n",
	"space around":            "  root:x:0:0::/root:/bin/sh\t\n\t ana:x:1234:1::/ana \n",
	"comments, blank lines":   "# comment\n\n   \nroot:x:0:0::/root:/bin/sh\n#ana:x:1234:1::/ana:/bin/sh\n",
	"a relative home":         "root:x:0:0::root:/bin/sh\nana:x:1234:1::../ana:/bin/sh\n",
	"a line that is long":     "long:x:5:5:" + strings.Repeat("c", 60<<10) + ":/long:/bin/sh\nroot:x:0:0::/root:/bin/sh\n",
	"a line that is too long": "ana:x:1234:1::/ana:/bin/sh\nlong:x:5:5:" + strings.Repeat("c", 70<<10) + ":/long:/bin/sh\nroot:x:0:0::/root:/bin/sh\n",
	"many lines":              strings.Repeat("someone:x:77:77::/home/someone:/bin/sh\n", 5000) + "ana:x:1234:1::/ana:/bin/sh\n",
}

// HOME is what `runc exec` makes of the container's passwd.
func TestAttackPasswdMalformed(t *testing.T) {
	for _, uid := range []uint32{0, 1234} {
		t.Run(fmt.Sprint("uid ", uid), func(t *testing.T) {
			c := startContainer(t, func(s *specs.Spec) { s.Process.User.UID = uid })
			file := filepath.Join(c.rootfs, "etc/passwd")
			for name, passwd := range passwds {
				must(t, os.WriteFile(file, []byte(passwd), 0o644))
				c.wantSameHome(name)
			}
			must(t, os.Remove(file))
			c.wantSameHome("no file")
			must(t, os.Mkdir(file, 0o755))
			c.wantSameHome("a directory")
		})
	}
}

func (c *testContainer) wantSameHome(name string) {
	c.Helper()
	print := []string{"sh", "-c", `echo "$HOME"`}
	got := c.tried(print...)
	if want := c.runcExec(print...); got.Err != nil || string(got.Stdout) != want {
		c.Errorf("%s: HOME is %q, with runc exec %q (%v)", name, got.Stdout, want, got.Err)
	}
}

// A file that blocks whoever opens it does not hold a hook.
func TestAttackFilesAreFIFOs(t *testing.T) {
	c := startContainer(t, nil)
	c.villain().do("rm /dev/null; mkfifo /dev/null")
	passwd := filepath.Join(c.rootfs, "etc/passwd")
	must(t, os.Remove(passwd))
	must(t, unix.Mkfifo(passwd, 0o644))
	got := c.tried("sh", "-c", `cat; echo "$HOME"`)
	wantReport(t, got, hooks.Report{Stdout: []byte("/\n")})
}

// Where the user of a hook is looked up, too.
func TestAttackUsersFilesAreFIFOs(t *testing.T) {
	c := startContainer(t, nil)
	for _, name := range []string{"etc/passwd", "etc/group"} {
		file := filepath.Join(c.rootfs, name)
		must(t, os.Remove(file))
		must(t, unix.Mkfifo(file, 0o644))
	}
	got := c.bounded(&hooks.Exec{Command: []string{"true"}, User: "ana:staff"})
	if got.Cause != hooks.CauseCannotStart {
		t.Errorf("got %+v", got)
	}
}
