package runtime

import (
	"slices"
	"testing"
)

func TestCandidatesAreThoseOfLookPath(t *testing.T) {
	for name, tc := range map[string]struct {
		command string
		env     []string
		want    []string
		bare    bool
	}{
		"on PATH":          {"sh", []string{"A=PATH=/no", "PATH=/usr/bin:/bin"}, []string{"/usr/bin/sh", "/bin/sh"}, true},
		"empty elements":   {"sh", []string{"PATH=:/bin:"}, []string{"sh", "/bin/sh", "sh"}, true},
		"relative element": {"sh", []string{"PATH=a/../b"}, []string{"b/sh"}, true},
		"no PATH":          {"sh", nil, nil, true},
		"an empty PATH":    {"sh", []string{"PATH="}, nil, true},
		"a path":           {"./sh", []string{"PATH=/bin"}, []string{"./sh"}, false},
		"no name":          {"", []string{"PATH=/bin"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, bare := candidates(tc.command, tc.env)
			if !slices.Equal(got, tc.want) || bare != tc.bare {
				t.Errorf("got %q, %v; want %q, %v", got, bare, tc.want, tc.bare)
			}
		})
	}
}
