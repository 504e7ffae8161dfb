package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bootapi "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/shim"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/bundle"
	"bookend.dev/bookend/runtime/joiner"
)

// deadPod is a directory of bundles: a sandbox "pod", its members, and a container of
// another pod's. Each member has a record without an outcome.
type deadPod struct {
	t       *testing.T
	bundles string
	records string

	mu      sync.Mutex
	stopped []string
	now     int // that are being cleaned up
	most    int
	stop    func(id string) // called for each
}

func newDeadPod(t *testing.T, members int, address string) *deadPod {
	t.Helper()
	p := &deadPod{t: t, bundles: t.TempDir(), records: t.TempDir(), stop: func(string) {}}
	if err := os.Mkdir(filepath.Join(p.records, "records"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.bundle("pod", "sandbox", "pod", address)
	p.bundle("stranger", "container", "other", address)
	for i := range members {
		p.bundle(fmt.Sprintf("m%d", i), "container", "pod", address)
	}
	t.Chdir(filepath.Join(p.bundles, "pod"))
	return p
}

func (p *deadPod) bundle(id, kind, sandbox, address string) {
	p.t.Helper()
	dir := filepath.Join(p.bundles, id)
	err := os.Mkdir(dir, 0o700)
	write := func(path string, content any) {
		if err == nil {
			var data []byte
			if data, err = json.Marshal(content); err == nil {
				err = os.WriteFile(path, append(data, '\n'), 0o600)
			}
		}
	}
	write(filepath.Join(dir, "config.json"), map[string]any{"annotations": map[string]string{
		"io.kubernetes.cri.container-type": kind, "io.kubernetes.cri.sandbox-id": sandbox,
	}})
	write(filepath.Join(dir, "bootstrap.json"), map[string]string{"address": address})
	write(p.record(id), map[string]any{"version": 1, "namespace": "k8s.io", "container": id, "hook": "preStop", "attempt": 1})
	if err == nil {
		err = bundle.WriteRecordsDir(dir, p.records)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// record is the file of a container's record.
func (p *deadPod) record(id string) string {
	number := 0
	for _, c := range id {
		number = number*31 + int(c)
	}
	return filepath.Join(p.records, "records", fmt.Sprintf("%020d-00000000.jsonl", number))
}

func (p *deadPod) completed(id string) bool {
	p.t.Helper()
	data, err := os.ReadFile(p.record(id))
	if err != nil {
		p.t.Error(err)
	}
	return strings.Contains(string(data), `"outcome":"Unknown"`)
}

// stock stands in for the manager of the stock shim, whose every clean-up takes a
// second.
type stock struct {
	shim.Shim
	pod *deadPod
}

func (s stock) Stop(_ context.Context, id string) (shim.StopStatus, error) {
	p := s.pod
	p.mu.Lock()
	p.stopped = append(p.stopped, id)
	p.now++
	p.most = max(p.most, p.now)
	p.stop(id)
	p.mu.Unlock()
	<-time.After(time.Second)
	p.mu.Lock()
	p.now--
	p.mu.Unlock()
	return shim.StopStatus{Pid: len(id)}, nil
}

// delete runs the delete action for a container of the pod's.
func (p *deadPod) delete(id string) (shim.StopStatus, error) {
	ctx := namespaces.WithNamespace(p.t.Context(), "k8s.io")
	return bootManager{stock: stock{pod: p}}.Stop(ctx, id)
}

func TestTheMembersOfADeadShimAreCleanedUpSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const members = 30
		p := newDeadPod(t, members, "unix:///no/such/socket")
		p.stop = func(id string) {
			if !p.completed(id) || !p.completed("m29") {
				t.Errorf("%s is cleaned up before the records are", id)
			}
			if id == "pod" { // containerd has done this one meanwhile
				if err := os.RemoveAll(filepath.Join(p.bundles, "m29")); err != nil {
					t.Error(err)
				}
			}
		}
		begun := time.Now()
		st, err := p.delete("pod")
		if err != nil || st.Pid != len("pod") {
			t.Errorf("got %+v, %v; want the exit of the sandbox", st, err)
		}
		if took := time.Since(begun); took != 4*time.Second || p.most != stopsAtOnce {
			t.Errorf("took %s, %d at once; want 4s, %d", took, p.most, stopsAtOnce)
		}
		if !slices.Contains(p.stopped[:stopsAtOnce], "pod") {
			t.Errorf("the sandbox is not among the first of %q", p.stopped)
		}
		if len(p.stopped) != members || slices.Contains(p.stopped, "m29") || slices.Contains(p.stopped, "stranger") {
			t.Errorf("cleaned up %q; want the sandbox and its members but m29", p.stopped)
		}
		if p.completed("stranger") {
			t.Error("the record of another pod's container was completed")
		}
	})
}

func TestWhatADeadShimHeldStillIsThawedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newDeadPod(t, 1, "unix:///no/such/socket")
		frozen := map[string][]string{}
		for _, id := range []string{"pod", "m0"} {
			cgroup := t.TempDir()
			hook := filepath.Join(cgroup, "bookend-hook")
			frozen[id] = []string{filepath.Join(hook, "freezer.state"), filepath.Join(hook, "cgroup.freeze")}
			err := errors.Join(
				os.Mkdir(hook, 0o700), os.WriteFile(frozen[id][0], []byte("FROZEN"), 0o600), os.WriteFile(frozen[id][1], []byte("1"), 0o600),
				os.WriteFile(filepath.Join(p.bundles, id, "bookend-cgroup"), []byte(cgroup), 0o600))
			if err != nil {
				t.Fatal(err)
			}
		}
		p.stop = func(id string) {
			v1, _ := os.ReadFile(frozen[id][0])
			v2, _ := os.ReadFile(frozen[id][1])
			if string(v1) != "THAWED" && string(v2) != "0" {
				t.Errorf("%s is cleaned up with a hook's cgroup that is %s (%s)", id, v1, v2)
			}
		}
		if _, err := p.delete("pod"); err != nil {
			t.Error(err)
		}
	})
}

func TestAShimThatLivesIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newDeadPod(t, 2, "unix://"+path)
	if _, err := p.delete("pod"); err != nil {
		t.Error(err)
	}
	if !slices.Equal(p.stopped, []string{"pod"}) {
		t.Errorf("cleaned up %q, want the sandbox alone", p.stopped)
	}
	for _, id := range []string{"pod", "m0", "m1"} {
		if p.completed(id) {
			t.Errorf("the record of %s was completed", id)
		}
	}
}

func TestInfoSaysWhetherTheShimHasTheJoiner(t *testing.T) {
	want := hooks.JoinerReady
	if j, err := joiner.Open(); err != nil {
		want = err.Error()
	} else {
		j.Close()
	}
	info, err := newManager().Info(t.Context(), strings.NewReader(""))
	if err != nil || info.GetAnnotations()[hooks.JoinerAnnotation] != want {
		t.Errorf("got %v, %v; want %q", info.GetAnnotations(), err, want)
	}
}

// stockManager stands in for the stock manager: it has started a shim.
type stockManager struct{ shim.Shim }

func (stockManager) Start(context.Context, *bootapi.BootstrapParams) (*bootapi.BootstrapResult, error) {
	return &bootapi.BootstrapResult{Version: 3, Address: "unix:///run/s", Protocol: "ttrpc"}, nil
}

// Only containerd 2.3 is told of an older version than the stock shim's.
func TestShimVersionForEachContainerd(t *testing.T) {
	for version, want := range map[string]int32{
		"v2.3.7": 2, "2.3.0-rc.1": 2, "v2.3.7-k3s1": 2, "2.3.7+unknown": 2,
		"v2.4.2": 3, "2.30.0": 3, "v12.3.1": 3, "v3.2.3": 3, "": 3, "unknown": 3,
	} {
		got, err := bootManager{stock: stockManager{}}.Start(t.Context(), &bootapi.BootstrapParams{ContainerdVersion: version})
		if err != nil || got.Version != want || got.Address != "unix:///run/s" {
			t.Errorf("containerd %q: %v, %v; want version %d", version, got, err, want)
		}
	}
}
