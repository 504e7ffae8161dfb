package harness

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// release is a release of containerd: its major and minor number.
type release struct{ major, minor int }

var releaseOf = regexp.MustCompile(` v?(\d+)\.(\d+)\.\d+`)

// askRelease asks a containerd binary.
func askRelease(containerd string) (release, error) {
	out, err := exec.Command(containerd, "--version").Output()
	if err != nil {
		return release{}, fmt.Errorf("%s --version: %w", containerd, err)
	}
	m := releaseOf.FindSubmatch(out)
	if m == nil {
		return release{}, fmt.Errorf("%s --version says no version: %q", containerd, out)
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	return release{major, minor}, nil
}

// before tells whether r is older than the first release of major.minor.
func (r release) before(major, minor int) bool {
	return r.major < major || r.major == major && r.minor < minor
}

// configVersion is that of the newest configuration that the release reads.
func (r release) configVersion() int {
	switch {
	case r.before(2, 0):
		return 2
	case r.before(2, 3):
		return 3
	}
	return 4
}

// KeepsAborted tells whether the containerd under test hands the code Aborted of a
// shim to its clients; 1.7 makes it Unknown.
func KeepsAborted() (bool, error) {
	bins, err := FindBinaries()
	if err != nil {
		return false, err
	}
	r, err := askRelease(filepath.Join(bins.Tools, "containerd"))
	return !r.before(2, 0), err
}
