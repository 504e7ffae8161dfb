package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/api/types/runc/options"
	systemd "github.com/coreos/go-systemd/v22/dbus"
	"google.golang.org/protobuf/proto"
)

// cgroupsVariable says who makes the cgroups of containers: "systemd", which has
// to be this machine's process 1, or the runtime itself.
const cgroupsVariable = "BOOKEND_TEST_CGROUPS"

// SystemdCgroups tells whether systemd makes the cgroups of containers. Runtimes of
// runc's type then have SystemdCgroup in their options, and a daemon has a slice in
// place of a cgroup.
func SystemdCgroups() bool { return os.Getenv(cgroupsVariable) == "systemd" }

// cgroupName is the cgroup of the daemon name, relative to a hierarchy's root. A
// slice's name has no dash: it would be in another slice, shared with others.
func cgroupName(name string) string {
	if !SystemdCgroups() {
		return name
	}
	return strings.ReplaceAll(name, "-", "") + ".slice"
}

// podCgroupName is the cgroup of a pod, relative to a hierarchy's root. The kubelet
// too names a pod's slice after the one that it is in, and has no dash in a pod's
// own part.
func podCgroupName(daemon, pod string) string {
	parent := cgroupName(daemon)
	if !SystemdCgroups() {
		return path.Join(parent, pod)
	}
	return path.Join(parent, strings.TrimSuffix(parent, ".slice")+"-"+strings.ReplaceAll(pod, "-", "_")+".slice")
}

// CgroupsPath is that of the runtime specification for a container which is not
// the CRI's: a path, or with systemd slice:prefix:name.
func (d *Daemon) CgroupsPath(id string) string {
	if !SystemdCgroups() {
		return d.Cgroup() + "/" + id
	}
	return path.Base(d.Cgroup()) + ":bookend:" + id
}

// IsCgroupOf tells by its name whether a cgroup is that of the container id. With
// systemd it is a scope: prefix-id.scope.
func IsCgroupOf(dir, id string) bool {
	name := path.Base(dir)
	return name == id || strings.HasSuffix(name, "-"+id+".scope")
}

// withDriver adds to a runtime's options of a client of the Task API what the
// machine's driver of cgroups is. It leaves those alone which are not runc's; bookend,
// where it is given none, goes by the name of the cgroup.
func withDriver(runtime string, opts any) any {
	if !SystemdCgroups() {
		return opts
	}
	switch o := opts.(type) {
	case nil:
		if runtime == BookendRuntime {
			return nil
		}
		return &options.Options{SystemdCgroup: true}
	case *options.Options:
		o = proto.CloneOf(o)
		o.SystemdCgroup = true
		return o
	}
	return opts
}

// driverOptions is withDriver for a handler's options table; nil: it has none.
func (h Handler) driverOptions() map[string]any {
	if !SystemdCgroups() || h.Type != RuncRuntime {
		return h.Options
	}
	table := maps.Clone(h.Options)
	if table == nil {
		table = map[string]any{}
	}
	table["SystemdCgroup"] = true
	return table
}

// removeSlice stops a slice, whose directory systemd then removes. What is in it
// is killed.
func removeSlice(ctx context.Context, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	conn, err := systemd.NewSystemdConnectionContext(ctx)
	if err != nil {
		return fmt.Errorf("connect to systemd: %w", err)
	}
	defer conn.Close()
	stopped := make(chan string, 1)
	if _, err := conn.StopUnitContext(ctx, filepath.Base(dir), "replace", stopped); err != nil {
		return fmt.Errorf("stop %s: %w", filepath.Base(dir), err)
	}
	select {
	case result := <-stopped:
		if result != "done" {
			return fmt.Errorf("stop %s: %s", filepath.Base(dir), result)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", filepath.Base(dir), ctx.Err())
	}
}
