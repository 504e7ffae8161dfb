package nodeinstall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/hooks"
)

// Paths in the API of what tells an agent to go.
const (
	namespacePath = "/api/v1/namespaces/bookend"
	podPath       = namespacePath + "/pods/agent-1"
	setPath       = "/apis/apps/v1/namespaces/bookend/daemonsets/agent"
)

// here stands for the node's root in the files of testdata.
const here = "/DIR"

// The trees of nodes as their distributions document them.
const distributions = "../../../internal/distribution/testdata"

// command builds the real bookend, once.
var command = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "bookend")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", dir, "./cmd/bookend")
	build.Dir = "../../../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "bookend"))
})

// node is a node in a directory: its files, its containerd, its kubelet, and the API
// server that it is registered with.
type node struct {
	t    *testing.T
	root string
	from string
	api  *apitest.Server
	opts Options
	in   *Installer
	now  time.Time

	mu       sync.Mutex
	version  string // containerd's
	loaded   bool   // it has the runtime
	broken   bool   // it does not serve with the runtime in its files
	down     bool   // it does not run
	cri      error  // of its CRI plugin
	restarts int
	units    []string
}

// newNode makes one of a tree in testdata, and an agent of a DaemonSet on it.
func newNode(t *testing.T, tree string) *node {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a node's root is entered by root alone")
	}
	dir, err := os.MkdirTemp("", "node") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	n := &node{t: t, root: filepath.Join(dir, "root"), from: filepath.Join(dir, "new"), api: apitest.New(), now: time.Unix(1e9, 0), version: "v2.4.2"}
	t.Cleanup(n.api.Close)
	if strings.HasSuffix(tree, "-1.7") {
		n.version = "v1.7.29"
	}
	n.copy(filepath.Join(distributions, tree))
	bookend, err := command()
	if err != nil {
		t.Fatal(err)
	}
	n.write(filepath.Join(n.from, hooks.CommandBinary), bookend, 0o755)
	n.release("1")
	n.start()
	if tree != "talos" { // whose socket is plain containerd's too
		n.serve(tree)
	}
	n.agent(filepath.Join(dir, "state"))
	n.opts.Restarter.systemd = n.restart
	n.in = New(n.opts)
	return n
}

// agent registers the node, and makes an agent of a DaemonSet on it.
func (n *node) agent(state string) {
	n.t.Helper()
	n.api.SetNode("n1", func(node *corev1.Node) { node.UID = "node-uid" })
	n.heartbeat()
	n.api.SetMeta(namespacePath, &metav1.ObjectMeta{Name: "bookend"})
	n.deploy("1")
	config := &rest.Config{Host: n.api.URL, QPS: -1}
	api, errAPI := kubeclient.New(config)
	meta, errMeta := metadata.NewForConfig(config)
	restarter, errRestarter := ParseRestart("auto")
	if err := errors.Join(errAPI, errMeta, errRestarter); err != nil {
		n.t.Fatal(err)
	}
	n.opts = Options{
		API: api, Metadata: meta, Node: "n1", Namespace: "bookend", Pod: "agent-1",
		Host:      Host{Root: n.root, From: n.from, RuntimeName: "bookend"},
		Restarter: restarter, State: state, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { n.mu.Lock(); defer n.mu.Unlock(); return n.now },
	}
}

func (n *node) write(path string, data []byte, mode fs.FileMode) {
	n.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.RemoveAll(path), os.WriteFile(path, data, mode)); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) copy(from string) {
	n.t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		n.write(filepath.Join(n.root, name), bytes.ReplaceAll(data, []byte(here), nil), 0o644)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// release makes the new binaries those of another release.
func (n *node) release(content string) {
	for _, name := range []string{hooks.ExecBinary, hooks.ShimBinary} {
		n.write(filepath.Join(n.from, name), []byte("#!/bin/sh\n# "+content+"\n"), 0o755)
	}
}

// deploy makes the agent one of a DaemonSet of this UID.
func (n *node) deploy(uid string) {
	controller := true
	n.api.SetMeta(setPath, &metav1.ObjectMeta{Name: "agent", UID: types.UID(uid)})
	n.api.SetMeta(podPath, &metav1.ObjectMeta{Name: "agent-1", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "agent", UID: types.UID(uid), Controller: &controller},
	}})
}

// start gives containerd another process, as the files of /proc tell it.
func (n *node) start() {
	pid := fmt.Sprint(os.Getpid()) // that of the one who listens
	n.restarts++
	for name, content := range map[string]string{
		"cmdline": "containerd", "environ": "A=b", "cgroup": "0::/\n", "stat": pid + " (containerd) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 " + fmt.Sprint(1000+n.restarts) + " 1 2",
	} {
		n.write(filepath.Join(n.root, "proc", pid, name), []byte(content), 0o644)
	}
	for link, to := range map[string]string{"exe": "/usr/bin/containerd", "cwd": "/"} {
		path := filepath.Join(n.root, "proc", pid, link)
		if err := errors.Join(os.RemoveAll(path), os.Symlink(to, path)); err != nil {
			n.t.Fatal(err)
		}
	}
	n.write(filepath.Join(n.root, "proc/sys/kernel/random/boot_id"), []byte("boot\n"), 0o644)
}

// shim starts a shim of what is installed, and returns what ends it.
func (n *node) shim() (end func()) {
	n.t.Helper()
	link := filepath.Join(n.root, "usr/local/bin", hooks.ShimBinary)
	binary, err := os.Readlink(link)
	if err != nil {
		n.t.Fatal(err)
	}
	dir := filepath.Join(n.root, "proc", "77")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Symlink(binary, filepath.Join(dir, "exe"))); err != nil {
		n.t.Fatal(err)
	}
	return func() { _ = os.RemoveAll(dir) }
}

// serve has a containerd listen where the distribution's does.
func (n *node) serve(tree string) {
	n.t.Helper()
	socket := "/run/containerd/containerd.sock"
	for name, other := range map[string]string{
		"k3s": "/run/k3s/containerd/containerd.sock", "rke2": "/run/k3s/containerd/containerd.sock", "k0s": "/run/k0s/containerd.sock",
		"microk8s": "/var/snap/microk8s/common/run/containerd.sock",
	} {
		if strings.HasPrefix(tree, name) {
			socket = other
		}
	}
	socket = filepath.Join(n.root, socket)
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		n.t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		n.t.Fatalf("%s: %v", tree, err)
	}
	s := grpc.NewServer()
	versionapi.RegisterVersionServer(s, &containerd{n: n})
	runtimeapi.RegisterRuntimeServiceServer(s, &cri{n: n})
	go func() { _ = s.Serve(l) }()
	n.t.Cleanup(s.Stop)
}

type containerd struct {
	versionapi.UnimplementedVersionServer
	n *node
}

// Version implements [versionapi.VersionServer].
func (c *containerd) Version(context.Context, *emptypb.Empty) (*versionapi.VersionResponse, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.n.down {
		return nil, errors.New("down")
	}
	return &versionapi.VersionResponse{Version: c.n.version}, nil
}

type cri struct {
	runtimeapi.UnimplementedRuntimeServiceServer
	n *node
}

// Status implements [runtimeapi.RuntimeServiceServer].
func (c *cri) Status(context.Context, *runtimeapi.StatusRequest) (*runtimeapi.StatusResponse, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.n.cri != nil {
		return nil, c.n.cri
	}
	config := `{"containerd":{"runtimes":{"runc":{}}}}`
	if c.n.loaded {
		config = `{"containerd":{"runtimes":{"bookend":{"runtimePath":"/usr/local/bin/` + hooks.ShimBinary + `"}}}}`
	}
	return &runtimeapi.StatusResponse{Info: map[string]string{"config": config}}, nil
}

// become changes what containerd is, which others read.
func (n *node) become(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

// configured tells whether a file of containerd's has the runtime.
func (n *node) configured() bool {
	has := false
	for _, dir := range []string{"etc", "var", "run"} {
		_ = filepath.WalkDir(filepath.Join(n.root, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				data, _ := os.ReadFile(path)
				has = has || bytes.Contains(data, []byte("# Written by bookend install"))
			}
			return nil
		})
	}
	return has
}

// restart is systemd's: containerd reads its files again.
func (n *node) restart(_ context.Context, _, unit string) error {
	n.start()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.units = append(n.units, unit)
	n.loaded, n.cri, n.down = n.configured(), nil, false
	if n.loaded && n.broken {
		n.loaded, n.cri = false, errors.New("cannot load")
	}
	n.now = n.now.Add(time.Second)
	return nil
}

// heartbeat has the kubelet tell that the node is Ready, later than all that was.
func (n *node) heartbeat() {
	n.mu.Lock()
	n.now = n.now.Add(2 * time.Second)
	now, loaded := n.now, n.loaded
	n.mu.Unlock()
	n.api.SetNode("n1", func(node *corev1.Node) {
		c := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.NewTime(now)}
		node.Status.RuntimeHandlers = []corev1.NodeRuntimeHandler{{Name: ""}}
		if loaded {
			node.Status.RuntimeHandlers = append(node.Status.RuntimeHandlers, corev1.NodeRuntimeHandler{Name: "bookend"})
		}
		if old := conditionOf(node, corev1.NodeReady); old != nil {
			*old = c
		} else {
			node.Status.Conditions = append(node.Status.Conditions, c)
		}
	})
}

// step takes one, of an agent that was started for it, and wants this action.
func (n *node) step(want Action) {
	n.t.Helper()
	n.in = New(n.opts)
	if d, err := n.in.Step(n.t.Context()); err != nil || d.Action != want {
		n.t.Fatalf("got %s, %v, want %s: %s", d.Action, err, want, d.Message)
	}
}

// goOn is steps of the same agent.
func (n *node) goOn(want ...Action) {
	n.t.Helper()
	for _, a := range want {
		if d, err := n.in.Step(n.t.Context()); err != nil || d.Action != a {
			n.t.Fatalf("got %s, %v, want %s: %s", d.Action, err, a, d.Message)
		}
	}
}

func (n *node) steps(want ...Action) {
	n.t.Helper()
	for _, a := range want {
		n.step(a)
	}
}

// says wants this of the node's condition; an empty reason: there is none.
func (n *node) says(reason string, labelled bool) {
	n.t.Helper()
	node := n.api.Node("n1")
	got := ""
	if c := conditionOf(&node, Condition); c != nil {
		got = c.Reason
		if (c.Status == corev1.ConditionTrue) != (reason == ReasonInstalled) {
			n.t.Errorf("the condition is %s, %s", c.Status, c.Reason)
		}
	}
	if got != reason || (node.Labels[NodeLabel] == LabelReady) != labelled {
		n.t.Errorf("the node says %q, want %q; labels %v, want it labelled: %v", got, reason, node.Labels, labelled)
	}
}

// events counts those of a reason.
func (n *node) events(reason string) (count int32) {
	for _, ev := range n.api.Events() {
		if ev.InvolvedObject.Kind == "Node" && ev.InvolvedObject.Name == "n1" && ev.InvolvedObject.UID == "node-uid" && ev.Reason == reason {
			count += ev.Count
		}
	}
	return count
}

// tree is every file of the node but what changes by itself.
func (n *node) tree() string {
	n.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(n.root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == filepath.Join(n.root, "proc"):
			return fs.SkipDir
		case d.Type() == fs.ModeSocket:
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			what += string(data)
		} else if d.Type() == fs.ModeSymlink {
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			what += to
		}
		all[strings.TrimPrefix(path, n.root)] = what
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		n.t.Fatal(err)
	}
	return string(text)
}

// ask sets or takes away the annotation that asks for a removal.
func (n *node) ask(yes bool) {
	m := n.api.Meta(setPath)
	m.Annotations = nil
	if yes {
		m.Annotations = map[string]string{AnnotationUninstall: "now"}
	}
	n.api.SetMeta(setPath, &m)
}
