package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// olderVariable names the directory that has a directory of tools, containerd-2.2,
// for each older release that was built.
const olderVariable = "BOOKEND_OLDER"

// upgradeSteps are the releases that nodes are upgraded through on their way to the
// one under test.
var upgradeSteps = []harness.Release{{Major: 1, Minor: 7}, {Major: 2, Minor: 0}, {Major: 2, Minor: 2}}

// upgradeChain returns the directories of tools of an upgrade to the containerd under
// test, and tells which releases it leaves out.
func upgradeChain(t *testing.T) []string {
	t.Helper()
	older := os.Getenv(olderVariable)
	if older == "" {
		t.Skip(olderVariable + " names no directory with older releases of containerd: make older and make test-matrix do")
	}
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	last, err := harness.ReleaseIn(bins.Tools)
	if err != nil {
		t.Fatal(err)
	}
	var chain, named, leftOut []string
	for _, r := range upgradeSteps {
		if !r.Before(last.Major, last.Minor) {
			continue
		}
		tools := filepath.Join(older, "containerd-"+r.String())
		if built, err := harness.ReleaseIn(tools); errors.Is(err, os.ErrNotExist) {
			leftOut = append(leftOut, r.String())
		} else if err != nil || built != r {
			t.Fatalf("%s has containerd %s, %v", tools, built, err)
		} else {
			chain, named = append(chain, tools), append(named, r.String())
		}
	}
	if len(leftOut) > 0 {
		t.Logf("left out, since %s has no tools of them: containerd %s", older, strings.Join(leftOut, ", "))
	}
	if len(chain) == 0 {
		t.Skipf("there is no containerd older than %s to begin with", last)
	}
	t.Logf("containerd %s", strings.Join(append(named, last.String()), " -> "))
	return append(chain, bins.Tools)
}

// upgraded are containers that one release of containerd started, and a later one
// ends.
type upgraded struct {
	started string // by which release
	pod     *harness.Pod
	main    *harness.Fixture
	side    *harness.Fixture // without hooks
	task    *harness.Fixture
	begun   *harness.Fixture // its preStop begins before the upgrade and ends after it
}

// runUpgraded starts the containers.
func runUpgraded(t *testing.T, d *harness.Daemon, release string) *upgraded {
	t.Helper()
	u := &upgraded{started: release}
	u.pod = d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{
		harness.PodLifecycleKey:           noted,
		harness.LifecyclePrefix + "late":  noted,
		harness.LifecyclePrefix + "begun": `{"preStop":{"exec":` + shell(waitingPre) + `}}`,
	}})
	u.main = harness.RunContainer(t, u.pod, harness.ContainerOptions{Name: "main"})
	u.side = harness.RunContainer(t, u.pod, harness.ContainerOptions{Name: "side"})
	u.begun = harness.RunContainer(t, u.pod, harness.ContainerOptions{Name: "begun"})
	u.task = harness.RunTask(t, d, noted)
	u.begun.Kill(syscall.SIGTERM)
	u.begun.Await("pre")
	return u
}

// wantAlive wants containerd to know all containers and to be able to exec in them.
func (u *upgraded) wantAlive(t *testing.T) {
	t.Helper()
	for _, m := range []*harness.Fixture{u.main, u.side, u.begun} {
		if got, err := m.Container.Exec(t.Context(), "echo", "alive"); err != nil || got.Stdout != "alive\n" {
			t.Errorf("exec in %s: %+v, %v", m.Container.Name(), got, err)
		}
	}
	if got := u.task.Load().Pid(); got != u.task.Task.Pid() {
		t.Errorf("the task's pid is %d, was %d", got, u.task.Task.Pid())
	}
}

// end ends the containers one after the other, runs another in their pod, and wants
// the hooks of each.
func (u *upgraded) end(t *testing.T, d *harness.Daemon) {
	t.Helper()
	u.begun.Open("pre-go")
	u.begun.WantExit(0)
	u.begun.WantTrace("pre", "term")
	u.remove(t, u.begun)

	u.main.Stop()
	u.main.WantTrace(notes...)
	u.wantRecords(t, d, u.main)
	u.remove(t, u.main)

	late := harness.RunContainer(t, u.pod, harness.ContainerOptions{Name: "late"})
	procs, err := d.Processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		if strings.HasPrefix(p.Comm, "containerd-shim") && slices.Contains(p.Args, late.ID) {
			t.Errorf("a container that was added to a pod has a shim of its own: %v", p)
		}
	}
	late.Stop()
	late.WantTrace(notes...)
	u.wantRecords(t, d, late)

	// The pod's shim goes on after the others: their deletes, and what containerd asks
	// of a shim then, are not meant for it.
	if got, err := u.side.Container.Exec(t.Context(), "echo", "alive"); err != nil || got.Stdout != "alive\n" {
		t.Errorf("exec in the last container: %+v, %v", got, err)
	}
	u.side.Stop()
	u.side.WantTrace("term")
	if err := u.pod.Remove(t.Context()); err != nil {
		t.Error(err)
	}

	u.task.Stop()
	u.task.WantTrace(notes...)
	if exit, err := u.task.Task.Delete(t.Context()); err != nil || exit.ExitCode() != 0 {
		t.Errorf("delete of the task: %v, %v", exit, err)
	}
	u.wantRecords(t, d, u.task)
	u.wantNothingLeft(t, d, late)
}

func (u *upgraded) remove(t *testing.T, m *harness.Fixture) {
	t.Helper()
	if err := m.Container.Remove(t.Context()); err != nil {
		t.Error(err)
	}
}

// wantRecords wants a postStart and a preStop that succeeded.
func (u *upgraded) wantRecords(t *testing.T, d *harness.Daemon, m *harness.Fixture) {
	t.Helper()
	found := attempts(t, d.RecordsDir(), m.ID)
	if len(found) != 2 || found[0].Outcome != "Succeeded" || found[1].Outcome != "Succeeded" {
		t.Errorf("records of %s: %+v", m.ID, found)
	}
}

// wantNothingLeft wants no process, mount, cgroup, link or file of the containers. What
// a newer containerd made for itself is none of it.
func (u *upgraded) wantNothingLeft(t *testing.T, d *harness.Daemon, late *harness.Fixture) {
	t.Helper()
	ids := []string{u.pod.ID, u.pod.Name(), u.task.ID, u.main.ID, u.side.ID, u.begun.ID, late.ID}
	err := harness.Poll(t.Context(), harness.EndTimeout, "all to be removed", func() error {
		inventory, err := d.Inventory()
		for _, what := range inventory.Since(nil) {
			ours := func(id string) bool { return strings.Contains(what, id) }
			if slices.ContainsFunc(ids, ours) {
				err = errors.Join(err, fmt.Errorf("%w: %s", harness.ErrLeak, what))
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A node's containerd is upgraded under its pods: what an older release started is
// the newer's to exec in, to stop and to delete, with the hooks it has, and so is a
// container that the newer one adds to a pod of the older. At each step one group of
// containers from every release before it ends.
func TestDaemonUpgradeKeepsContainersAndTheirHooks(t *testing.T) {
	chain := upgradeChain(t)
	d, err := harness.Start(t.Context(), harness.Options{Tools: chain[0]})
	if err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(ctx context.Context) error {
		if t.Failed() {
			t.Logf("containerd and shims logged:\n%s", d.LogTail(200))
		}
		return d.Stop(ctx)
	})
	var running []*upgraded
	for i, tools := range chain {
		release, err := harness.ReleaseIn(tools)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := d.Upgrade(t.Context(), tools); err != nil {
				t.Fatalf("upgrade to %s: %v", release, err)
			}
		}
		for _, u := range running {
			u.wantAlive(t)
		}
		var kept []*upgraded
		started := map[string]bool{}
		for _, u := range running {
			if started[u.started] {
				kept = append(kept, u)
				continue
			}
			started[u.started] = true
			t.Logf("containerd %s ends what %s started", release, u.started)
			u.end(t, d)
		}
		running = kept
		for range len(chain) - 1 - i {
			running = append(running, runUpgraded(t, d, release.String()))
		}
	}
}
