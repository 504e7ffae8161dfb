package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

// In a container that shares the host's pid namespace, a link leads out of it for
// who may trace all processes, as the joiner's child may before it is the hook. A
// directory that it opens that way must not be open any more when it looks for the
// command, which may trace none.
func TestAttackFilesThatLeadToTheHost(t *testing.T) {
	host := fmt.Sprintf("/proc/%d/root", os.Getpid())
	for _, file := range []string{"etc/passwd", "dev/null"} {
		t.Run(file, func(t *testing.T) {
			c := startContainer(t, func(s *specs.Spec) {
				s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(ns specs.LinuxNamespace) bool {
					return ns.Type == specs.PIDNamespace
				})
			})
			link := filepath.Join(fmt.Sprintf("/proc/%d/root", c.Init.Pid), file)
			must(t, os.RemoveAll(link))
			must(t, os.Symlink(host, link))
			for fd := 3; fd < lastDescriptor; fd++ {
				command := fmt.Sprintf("/proc/self/fd/%d/bin/busybox", fd)
				wantRefused(t, c.bounded(&hooks.Exec{Command: []string{command, "echo", "outside"}}))
				if t.Failed() {
					t.Fatalf("with %s", command)
				}
			}
		})
	}
}
