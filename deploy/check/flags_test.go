package check

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The binary that `make node` builds has the flags that manifests give it.
func TestArgumentsAreFlagsOfTheCommand(t *testing.T) {
	binary := builtBinary(t, "bookend-node")
	flag := regexp.MustCompile(`^(--[a-z-]+)(=|$)`)
	for name, v := range variants(t) {
		all := render(t, v)
		for _, o := range all {
			part, ok := map[string]string{"DaemonSet": "agent", "Deployment": "webhook", "Job": "uninstall"}[o.GetKind()]
			if !ok {
				continue
			}
			args := podSpec(t, all, part).Containers[0].Args
			out, err := exec.Command(binary, args[0], "--help").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "bookend-node "+args[0]) {
				t.Errorf("%s: there is no command %q: %v\n%s", name, args[0], err, out)
				continue
			}
			for _, arg := range args[1:] {
				m := flag.FindStringSubmatch(arg)
				if m == nil || !strings.Contains(string(out), " "+m[1]+" ") {
					t.Errorf("%s: bookend-node %s has no flag %s", name, args[0], arg)
				}
			}
		}
	}
}

func builtBinary(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(binDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
