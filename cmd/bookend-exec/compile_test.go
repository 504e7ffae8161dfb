package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// A profile that the program would not stand for is refused, with a reason.
func TestReadProfileRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		profile string
		want    error  // nil: one of encoding/json
		text    string // in the error
	}{
		"no profile":          {"null", errNoProfile, ""},
		"a listener":          {`{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent.sock"}`, errListenerPath, ""},
		"a listener's data":   {`{"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}`, errListenerPath, ""},
		"notify by default":   {`{"defaultAction": "SCMP_ACT_NOTIFY"}`, errNotify, ""},
		"notify in a rule":    {`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chdir"], "action": "SCMP_ACT_NOTIFY"}]}`, errNotify, ""},
		"an unknown field":    {`{"defaultAction": "SCMP_ACT_ALLOW", "sandbox": true}`, nil, "sandbox"},
		"an unknown field in": {`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chdir"], "deep": 1}]}`, nil, "deep"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readProfile([]byte(tc.profile))
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCompileRefusesAProfileWithoutFilter(t *testing.T) {
	if _, err := compileProfile([]byte(`{"defaultAction": ""}`)); !errors.Is(err, errNoFilter) {
		t.Errorf("got %v", err)
	}
}

func TestVersionNamesTheLibraries(t *testing.T) {
	var out strings.Builder
	printVersion(&out)
	var names []string
	for line := range strings.Lines(out.String()) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	if want := []string{"bookend-exec", "runc:", "libseccomp:"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}
