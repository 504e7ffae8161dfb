package harness

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// Release is a release of containerd: its major and minor number.
type Release struct{ Major, Minor int }

var releaseOf = regexp.MustCompile(` v?(\d+)\.(\d+)\.\d+`)

func (r Release) String() string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// ReleaseIn asks the containerd in a directory of tools.
func ReleaseIn(tools string) (Release, error) {
	containerd := filepath.Join(tools, "containerd")
	out, err := exec.Command(containerd, "--version").Output()
	if err != nil {
		return Release{}, fmt.Errorf("%s --version: %w", containerd, err)
	}
	m := releaseOf.FindSubmatch(out)
	if m == nil {
		return Release{}, fmt.Errorf("%s --version says no version: %q", containerd, out)
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	return Release{major, minor}, nil
}

// Before tells whether r is older than the first release of major.minor.
func (r Release) Before(major, minor int) bool {
	return r.Major < major || r.Major == major && r.Minor < minor
}

// ConfigVersion is that of the newest configuration that the release reads.
func (r Release) ConfigVersion() int {
	switch {
	case r.Before(2, 0):
		return 2
	case r.Before(2, 3):
		return 3
	}
	return 4
}

// FindRelease tells which release of containerd the tests run with.
func FindRelease() (Release, error) {
	bins, err := FindBinaries()
	if err != nil {
		return Release{}, err
	}
	return ReleaseIn(bins.Tools)
}
