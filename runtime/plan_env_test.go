package runtime

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/wire"
)

func TestPlanForAHook(t *testing.T) {
	p, err := planOf(t, newRunc, func(s *specs.Spec) {
		s.Process.Env = []string{"PATH=/bin", "A=1", "B=2"}
		s.Process.User = specs.User{UID: 7, GID: 8, AdditionalGids: []uint32{9}}
	})
	must(t, err)
	plain, err := p.For(&hooks.Exec{Command: []string{"true"}}, nil)
	must(t, err)
	full, err := p.For(&hooks.Exec{
		Command: []string{"a", "b"}, WorkingDir: "/scratch", Env: []hooks.EnvVar{{Name: "A", Value: "3"}, {Name: "HOME", Value: "/h"}},
	}, &wire.User{UID: 1, GID: 2, AdditionalGids: []uint32{3}})
	must(t, err)
	want := p.Template
	want.Args, want.Env, want.AddHome = []string{"true"}, []string{"PATH=/bin", "A=1", "B=2"}, true
	want.Candidates, want.BareName = []string{"/bin/true"}, true
	if !reflect.DeepEqual(plain, want) {
		t.Errorf("got  %+v\nwant %+v", plain, want)
	}
	want.Args, want.Env, want.AddHome = []string{"a", "b"}, []string{"PATH=/bin", "B=2", "A=3", "HOME=/h"}, false
	want.Candidates = []string{"/bin/a"}
	want.Cwd, want.UID, want.GID, want.Groups = "/scratch", 1, 2, []uint32{3}
	if !reflect.DeepEqual(full, want) {
		t.Errorf("got  %+v\nwant %+v", full, want)
	}
	if _, err := p.For(&hooks.Exec{}, nil); err == nil {
		t.Error("no error without a command")
	}
}

func TestPrepareEnv(t *testing.T) {
	for name, tt := range map[string]struct {
		in, want  []string
		keepEmpty bool
		addHome   bool
	}{
		"last wins":                      {in: []string{"A=1", "B=2", "A=3"}, want: []string{"B=2", "A=3"}, addHome: true},
		"values":                         {in: []string{"A==x", "B="}, want: []string{"A==x", "B="}, addHome: true},
		"HOME":                           {in: []string{"HOME=/a"}, want: []string{"HOME=/a"}},
		"empty HOME":                     {in: []string{"HOME=/a", "HOME=", "A=1"}, want: []string{"A=1"}, addHome: true},
		"empty HOME with crun":           {in: []string{"HOME=/a", "HOME="}, want: []string{"HOME="}, keepEmpty: true},
		"an earlier one may be anything": {in: []string{"A=\x00", "A=1"}, want: []string{"A=1"}, addHome: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, addHome, err := prepareEnv(tt.in, tt.keepEmpty)
			if err != nil || !slices.Equal(got, tt.want) || addHome != tt.addHome {
				t.Errorf("got %q, %v, %v; want %q, %v", got, addHome, err, tt.want, tt.addHome)
			}
		})
	}
	for _, bad := range []string{"A", "", "=x", "A=\x00"} {
		if _, _, err := prepareEnv([]string{bad}, false); !errors.Is(err, errOwnExec) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
