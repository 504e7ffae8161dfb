package harness

import (
	"reflect"
	"testing"

	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"google.golang.org/protobuf/proto"
)

func TestCgroupsAreNamedAsTheirDriverWants(t *testing.T) {
	d := &Daemon{Dir: "/tmp/bk-12"}
	for driver, want := range map[string][3]string{
		"":        {"/bk-12", "/bk-12/t-a", "bk-12/pod-a-b"},
		"systemd": {"/bk12.slice", "bk12.slice:bookend:t-a", "bk12.slice/bk12-pod_a_b.slice"},
	} {
		t.Setenv(cgroupsVariable, driver)
		if got := [3]string{d.Cgroup(), d.CgroupsPath("t-a"), podCgroupName(d.Name(), "pod-a-b")}; got != want {
			t.Errorf("driver %q: %q, want %q", driver, got, want)
		}
	}
}

func TestACgroupIsKnownByItsContainersID(t *testing.T) {
	for dir, want := range map[string]bool{
		"/sys/fs/cgroup/bk-1/t-a":                       true,
		"/sys/fs/cgroup/bk1.slice/bookend-t-a.scope":    true,
		"/sys/fs/cgroup/bk1.slice/bookend-t-ab.scope":   false,
		"/sys/fs/cgroup/bk-1/t-ab":                      false,
		"/sys/fs/cgroup/bk-1/t-a/bookend-1":             false,
		"/sys/fs/cgroup/bk1.slice/cri-containerd-t-a.x": false,
	} {
		if got := IsCgroupOf(dir, "t-a"); got != want {
			t.Errorf("%s: %v", dir, got)
		}
	}
}

func TestOptionsOfRuntimesHaveTheDriver(t *testing.T) {
	for _, tt := range []struct {
		handler Handler
		want    map[string]any
	}{
		{Handler{Type: RuncRuntime}, map[string]any{"SystemdCgroup": true}},
		{Handler{Type: RuncRuntime, Options: map[string]any{"BinaryName": "x"}}, map[string]any{"BinaryName": "x", "SystemdCgroup": true}},
		{Handler{Type: BookendRuntime, Options: map[string]any{"TypeUrl": "x"}}, map[string]any{"TypeUrl": "x"}},
		{Handler{Type: BookendRuntime}, nil},
	} {
		t.Setenv(cgroupsVariable, "")
		if got := tt.handler.driverOptions(); !reflect.DeepEqual(got, tt.handler.Options) {
			t.Errorf("without systemd: %v, want %v", got, tt.handler.Options)
		}
		t.Setenv(cgroupsVariable, "systemd")
		if got := tt.handler.driverOptions(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("with systemd: %v, want %v", got, tt.want)
		}
	}
	ours, others := &options.Options{BinaryName: "x"}, &runtimeoptions.Options{ConfigPath: "x"}
	if got := withDriver(RuncRuntime, ours); !proto.Equal(got.(proto.Message), &options.Options{BinaryName: "x", SystemdCgroup: true}) || ours.SystemdCgroup {
		t.Errorf("%v, and the caller's are %v", got, ours)
	}
	if got := withDriver(RuncRuntime, others); got != any(others) {
		t.Errorf("options that are not runc's became %v", got)
	}
	if got := withDriver(BookendRuntime, nil); got != nil {
		t.Errorf("options that no one gave bookend became %v", got)
	}
}
