package program

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strconv"
)

// Version is that of a program.
type Version struct {
	Major, Minor, Patch int
	Text                string // as the program says it
}

var number = regexp.MustCompile(`(?:^|[\sv])((\d+)\.(\d+)(?:\.(\d+))?[^\s,]*)`)

// ParseVersion takes the first version out of text, such as what programs
// print when asked for theirs.
func ParseVersion(text string) (Version, error) {
	m := number.FindStringSubmatch(text)
	if m == nil {
		return Version{}, fmt.Errorf("%q: %w", text, ErrVersion)
	}
	v := Version{Text: m[1]}
	for i, to := range []*int{&v.Major, &v.Minor, &v.Patch} {
		*to, _ = strconv.Atoi(m[2+i]) // digits, or no patch level
	}
	return v, nil
}

// String returns the version as the program says it.
func (v Version) String() string { return v.Text }

// Older compares major and minor.
func (v Version) Older(major, minor int) bool {
	return v.Major < major || v.Major == major && v.Minor < minor
}

// Compare compares down to the patch level.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// VersionOf runs a program that prints its version, such as containerd or runc,
// with --version.
func VersionOf(ctx context.Context, path string) (Version, error) {
	out, err := Ask(ctx, path, "--version")
	if err != nil {
		return Version{}, err
	}
	v, err := ParseVersion(string(out))
	if err != nil {
		return Version{}, fmt.Errorf("%s --version: %w", path, err)
	}
	return v, nil
}
