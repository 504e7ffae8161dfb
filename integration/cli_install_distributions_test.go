package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"bookend.dev/bookend/integration/harness"
	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"
)

// distributionsDir has roots of nodes, as their distributions document them.
const distributionsDir = "../cmd/internal/distribution/testdata"

// rooted is a node of a distribution that is configured in files of its own, and
// what makes the main file of others before containerd starts; nil: nothing.
type rooted struct {
	distribution, main string
	old                bool // with containerd before 2.0
	start              func(*nodeFiles, []byte)
	options            map[string]any
}

// What containerd makes of the files of each distribution after install, and after
// the distribution has made its own of them, is what it made of them before, and one
// runtime.
func TestCliInstallOnDistributions(t *testing.T) {
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	const k3s, rke2 = "var/lib/rancher/k3s/agent/etc/containerd/config.toml", "var/lib/rancher/rke2/agent/etc/containerd/config.toml"
	const plain, k0s, snap = "etc/containerd/config.toml", "etc/k0s/containerd.toml", "var/snap/microk8s/current/args/containerd.toml"
	systemd := map[string]any{"SystemdCgroup": true}
	for name, tt := range map[string]rooted{
		"k3s":                  {"k3s", k3s, false, nil, systemd},
		"k3s-template":         {"k3s", k3s, false, fromTemplate("config-v3.toml.tmpl"), systemd},
		"k3s-own-template-1.7": {"k3s", k3s, true, fromTemplate("config.toml.tmpl"), systemd},
		"rke2":                 {"rke2", rke2, false, nil, systemd},
		"rke2-1.7":             {"rke2", rke2, true, fromTemplate("config.toml.tmpl"), systemd},
		"k0s":                  {"k0s", k0s, false, nil, nil},
		"k0s-own-config":       {"k0s", k0s, false, nil, nil},
		"microk8s":             {"microk8s", snap, false, withVariables, nil},
		"kind":                 {"kind", plain, false, nil, systemd},
		"containerd":           {"containerd", plain, false, nil, nil},
		"containerd-2.0":       {"containerd", plain, false, nil, systemd},
		"containerd-1.7":       {"containerd", plain, true, nil, systemd},

		"containerd-imports-1.7":   {"containerd", plain, true, nil, nil},
		"containerd-no-config-1.7": {"containerd", plain, true, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNodeFiles(t, bins, distributionsDir, name)
			if s.main = s.path(tt.main); tt.old != s.release.Before(2, 0) {
				t.Skipf("it is not of containerd %d.%d", s.release.Major, s.release.Minor)
			}
			s.wantReadable()
			s.flags = []string{"--distribution", tt.distribution}
			s.wantConfiguredAtStart(tt)
		})
	}
}

func (s *nodeFiles) wantConfiguredAtStart(tt rooted) {
	s.t.Helper()
	files := s.files()
	main := files[s.main]
	var before map[string]any
	if main == "" {
		before = s.defaults()
	} else {
		if tt.start != nil { // what a user's own template says more
			tt.start(s, []byte(main))
		}
		before, _ = s.dump()
		s.put(main)
	}
	for range 2 {
		s.install(0)
		if tt.start != nil {
			tt.start(s, []byte(main))
		}
		s.wantRuntime(before, tt.options)
		s.wantCode(0, "uninstall")
		if main != "" {
			s.put(main)
		}
		if got := s.files(); !reflect.DeepEqual(got, files) {
			s.t.Errorf("uninstalled: got %q, want %q", got, files)
		}
	}
}

func (s *nodeFiles) put(main string) {
	s.t.Helper()
	if err := os.WriteFile(s.main, []byte(main), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// fromTemplate makes the main file as k3s does, whose built-in template is what
// the main file was.
func fromTemplate(name string) func(*nodeFiles, []byte) {
	return func(s *nodeFiles, base []byte) {
		s.t.Helper()
		text, err := os.ReadFile(filepath.Join(filepath.Dir(s.main), name))
		if os.IsNotExist(err) {
			return
		}
		if err != nil {
			s.t.Fatal(err)
		}
		t := template.Must(template.New("").Parse(string(text)))
		template.Must(t.New("base").Parse(string(base)))
		var out bytes.Buffer
		if err := t.Execute(&out, nil); err != nil {
			s.t.Fatal(err)
		}
		s.put(out.String())
	}
}

// withVariables makes the main file as the service of MicroK8s does.
func withVariables(s *nodeFiles, _ []byte) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(s.main), "containerd-template.toml"))
	if err != nil {
		s.t.Fatal(err)
	}
	values := strings.NewReplacer("${SNAPSHOTTER}", "overlayfs", "${RUNTIME_TYPE}", "io.containerd.runc.v2", "${RUNTIME}", "runc", "${SNAP_DATA}", "/var/snap/microk8s/1")
	s.put(values.Replace(string(text)))
}

// What goes into a NodeConfig makes, merged as nodeadm merges it, a configuration
// that containerd reads.
func TestCliInstallPrintsWhatANodeConfigNeeds(t *testing.T) {
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	name := "eks"
	if r, err := harness.FindRelease(); err != nil {
		t.Fatal(err)
	} else if r.Before(2, 0) {
		name = "eks-1.7"
	}
	s := newNodeFiles(t, bins, distributionsDir, name)
	s.main = s.path("etc/containerd/config.toml")
	before, _ := s.dump()
	files := s.files()
	cmd := exec.Command(filepath.Join(bins.Bin, "bookend"), "install", "--print", "nodeconfig", "--distribution", "eks",
		"--containerd-config", s.main, "--containerd", filepath.Join(bins.Tools, "containerd"), "--bin-dir", s.path("bin"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.files(); !reflect.DeepEqual(got, files) {
		t.Errorf("printing has changed files: %q", got)
	}
	var object struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Spec       struct{ Containerd struct{ Config string } }
	}
	if err := yaml.Unmarshal(out, &object); err != nil {
		t.Fatal(err)
	}
	if object.APIVersion != "node.eks.aws/v1alpha1" || object.Kind != "NodeConfig" {
		t.Errorf("got %s", out)
	}
	var main, more map[string]any
	if err := toml.Unmarshal([]byte(files[s.main]), &main); err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal([]byte(object.Spec.Containerd.Config), &more); err != nil {
		t.Fatal(err)
	}
	mergeTables(main, more)
	text, err := toml.Marshal(main)
	if err != nil {
		t.Fatal(err)
	}
	s.put(string(text))
	s.wantRuntime(before, map[string]any{"SystemdCgroup": true, "BinaryName": "/usr/sbin/runc"})
}

func mergeTables(into, from map[string]any) {
	for key, value := range from {
		to, isTable := into[key].(map[string]any)
		more, also := value.(map[string]any)
		if isTable && also {
			mergeTables(to, more)
		} else {
			into[key] = value
		}
	}
}
