package program

import (
	"errors"
	"testing"
)

func TestVersionsAreTakenOutOfWhatProgramsSay(t *testing.T) {
	for text, want := range map[string]Version{
		"containerd github.com/containerd/containerd/v2 v2.4.2 abcdef":    {2, 4, 2, "2.4.2"},
		"containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~d": {1, 6, 20, "1.6.20~ds1"},
		"v2.3.0-rc.1": {2, 3, 0, "2.3.0-rc.1"},
		"runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2": {1, 1, 5, "1.1.5+ds1"},
		"containerd-shim-bookend-v2:\n  Version:  0.1.0-dev\n":             {0, 1, 0, "0.1.0-dev"},
		"crun version 1.8":               {1, 8, 0, "1.8"},
		"Docker version 28.0.1, build x": {28, 0, 1, "28.0.1"},
	} {
		if got, err := ParseVersion(text); got != want || err != nil {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "unknown", "v2", "x1.2"} {
		if got, err := ParseVersion(text); !errors.Is(err, ErrVersion) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

func TestOlderComparesMajorAndMinor(t *testing.T) {
	for v, want := range map[Version]bool{
		{Major: 1, Minor: 7}: true, {Major: 2, Minor: 2, Patch: 9}: true, {Major: 2, Minor: 3}: false, {Major: 3}: false,
	} {
		if v.Older(2, 3) != want {
			t.Errorf("%+v older than 2.3: got %v", v, !want)
		}
	}
}
