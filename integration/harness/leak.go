package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// leakTimeout is how long what a test made may take to go: containerd removes
// some things only after it has replied.
const leakTimeout = 10 * time.Second

// Inventory is everything that a daemon and its containers have on the machine
// at one moment: processes, mounts, links, cgroups, sockets and files, each
// described in words.
type Inventory map[string]struct{}

// Inventory takes stock.
func (d *Daemon) Inventory() (Inventory, error) {
	inv := Inventory{}
	procs, err := processesOf(d.Dir)
	if err != nil {
		return nil, err
	}
	for _, p := range procs {
		if p.PID != d.PID() {
			inv.add(p.String())
		}
	}
	mounts, err := mountsBelow(d.Dir)
	if err != nil {
		return nil, err
	}
	inv.addAll("mount ", mounts)
	ports, err := d.net.ports()
	if err != nil {
		return nil, err
	}
	inv.addAll("link ", ports)
	cgroups, err := CgroupsBelow(d.Cgroup())
	if err != nil {
		return nil, err
	}
	for _, c := range cgroups {
		if filepath.Base(c) != filepath.Base(d.Cgroup()) { // the parent stays, as the kubelet's does
			inv.add("cgroup " + c)
		}
	}
	states, err := runcStates(d.Dir)
	if err != nil {
		return nil, err
	}
	inv.addAll("runc state ", states)
	cached, err := filepath.Glob(filepath.Join(libcniCache, d.Name()+"-*"))
	if err != nil {
		return nil, err
	}
	inv.addAll("file ", cached)
	return inv, d.addFiles(inv)
}

// unwatched are the parts of a daemon's directory whose files come and go
// without a leak: containerd's stores, which its garbage collector sweeps in its
// own time, and records and what is known of runtimes and profiles, which are to
// outlive their containers.
var unwatched = []string{
	"root/io.containerd.content.v1.content", "root/io.containerd.metadata.v1.bolt",
	"root/io.containerd.snapshotter.v1.*", "records/records", "records/runtimes", "records/seccomp",
}

// kept are directories and files that the first pod leaves for the next;
// what is in them is watched.
var kept = []string{
	"containerd.log", "records", "records/containers", "records/pruned", "ipam", "ipam/*", "ipam/*/lock", "ipam/*/last_reserved_ip.*",
	"*/io.containerd.runtime.v2.task/*", "*/io.containerd.grpc.v1.cri", "*/io.containerd.grpc.v1.cri/containers",
	"*/io.containerd.grpc.v1.cri/sandboxes", "*/io.containerd.grpc.v1.cri/netns",
}

func (d *Daemon) addFiles(inv Inventory) error {
	err := filepath.WalkDir(d.Dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(d.Dir, path)
		if err != nil {
			return err
		}
		if matchesAny(unwatched, rel) {
			return fs.SkipDir
		}
		if matchesAny(kept, rel) {
			return nil
		}
		switch {
		case e.Name() == "rootfs" && e.IsDir():
			inv.add("file " + path)
			return fs.SkipDir // a container's own files
		case e.Type()&fs.ModeSocket != 0:
			inv.add("socket " + path)
		default:
			inv.add("file " + path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	return nil
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := filepath.Match(pattern, path)
		return ok
	})
}

func (inv Inventory) add(what string) { inv[what] = struct{}{} }

func (inv Inventory) addAll(prefix string, names []string) {
	for _, n := range names {
		inv.add(prefix + n)
	}
}

// Since returns what inv has and before had not, sorted.
func (inv Inventory) Since(before Inventory) []string {
	var added []string
	for _, what := range slices.Sorted(maps.Keys(inv)) {
		if _, ok := before[what]; !ok {
			added = append(added, what)
		}
	}
	return added
}

// CheckLeaks waits until nothing is there that was not there before, for a
// bounded time; the error then lists what is left and wraps [ErrLeak].
func (d *Daemon) CheckLeaks(ctx context.Context, before Inventory) error {
	return d.checkLeaks(ctx, before, leakTimeout)
}

func (d *Daemon) checkLeaks(ctx context.Context, before Inventory, limit time.Duration) error {
	return Poll(ctx, limit, "everything to be removed", func() error {
		after, err := d.Inventory()
		if err != nil {
			return err
		}
		if added := after.Since(before); len(added) > 0 {
			return fmt.Errorf("%w:\n\t%s", ErrLeak, strings.Join(added, "\n\t"))
		}
		return nil
	})
}

// CheckNewLeaks is [Daemon.CheckLeaks] beside containers that run: their
// processes may have become others by exec since before.
func (d *Daemon) CheckNewLeaks(ctx context.Context, before Inventory) error {
	return Poll(ctx, leakTimeout, "everything to be removed", func() error {
		after, err := d.Inventory()
		if err != nil {
			return err
		}
		for _, what := range after.Since(before) {
			if !before.hasProcess(what) {
				return fmt.Errorf("%w: %s", ErrLeak, what)
			}
		}
		return nil
	})
}

// hasProcess tells whether what is a process that was there, by its id alone.
func (inv Inventory) hasProcess(what string) bool {
	process, _, _ := strings.Cut(what, " (")
	for known := range inv {
		if strings.HasPrefix(known, process+" (") && strings.HasPrefix(process, "process ") {
			return true
		}
	}
	return false
}
