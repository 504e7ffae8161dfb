package helm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"bookend.dev/bookend/integration/kube"
)

const (
	release   = "bookend"
	system    = "bookend-system"
	chart     = "deploy/helm/bookend"
	imageName = "registry.bookend.dev/bookend"

	// Tags of the two images.
	first, second = "first", "second"
)

// imagesVariable names the directory of their archives, which `make kube-images` makes.
const imagesVariable = "BOOKEND_KUBE_IMAGES"

// site is a cluster whose node knows nothing of bookend.
type site struct {
	*kube.Cluster

	t        *testing.T
	restarts *restarts
	libDir   string
	values   string // a file of the chart's values
	shop     string // the namespace of the pods
	notes    string // a directory that pods write to
}

func newSite(t *testing.T) *site {
	t.Helper()
	bins, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	c, err := kube.Start(t.Context(), kube.Options{Classes: []string{harness.Runc}, Daemon: harness.Options{
		Usual:         true,
		Path:          []string{bins.Tools},
		Handlers:      []harness.Handler{{Name: harness.Runc, Type: harness.RuncRuntime}},
		BookendConfig: "[records]\ndirectory = '/run/bookend'\n", // the default, which the harness would change
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s := &site{Cluster: c, t: t, notes: c.Daemon.Path("notes")}
	// The agent sees all processes of the machine. By this name it tells its node's shims
	// from those of another cluster.
	s.libDir = "/usr/local/lib/" + c.Daemon.Name()
	if err := os.Mkdir(s.notes, 0o755); err != nil {
		t.Fatal(err)
	}
	s.loadImages()
	s.restarts = newRestarts(t, c.Daemon)
	s.writeValues()
	if s.shop, err = c.NewNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.RemoveNamespace(context.Background(), s.shop); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.tellFailure)
	return s
}

func (s *site) loadImages() {
	s.t.Helper()
	for _, tag := range []string{first, second} {
		if err := s.Daemon.ImportFile(s.t.Context(), filepath.Join(os.Getenv(imagesVariable), tag+".tar")); err != nil {
			s.t.Fatalf("%v; make kube-images makes it, %s names its directory", err, imagesVariable)
		}
	}
}

func (s *site) writeValues() {
	s.t.Helper()
	text := fmt.Sprintf("image: {repository: %s, tag: %s}\nagent: {install: {libDir: %s, restart: %q}}\n", imageName, first, s.libDir, "exec:"+s.restarts.command())
	s.values = s.Daemon.Path("values.yaml")
	if err := os.WriteFile(s.values, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// helm runs helm for the release.
func (s *site) helm(verb string, args ...string) {
	s.t.Helper()
	if _, err := s.Helm(s.t.Context(), append([]string{verb, release, "--namespace", system}, args...)...); err != nil {
		s.t.Fatal(err)
	}
}

// apply is install or upgrade, with more flags.
func (s *site) apply(verb string, args ...string) {
	s.t.Helper()
	s.helm(verb, append([]string{filepath.Join(s.Daemon.Binaries().Root, chart), "--values", s.values}, args...)...)
}

func (s *site) kubectl(args ...string) string {
	s.t.Helper()
	out, err := s.Kubectl(s.t.Context(), args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// tellFailure prints what the cluster says of a test that has failed.
func (s *site) tellFailure() {
	if !s.t.Failed() {
		return
	}
	for _, args := range []string{
		"describe node", "get pods -A -o wide", "describe pods -n " + system, "get events -A",
		"logs -n " + system + " --tail=60 --prefix --selector app.kubernetes.io/name=bookend",
	} {
		out, err := s.Kubectl(context.Background(), strings.Fields(args)...)
		s.t.Logf("kubectl %s: %v\n%s", args, err, out)
	}
	log := strings.SplitAfter(s.Daemon.Log(), "\n")
	s.t.Logf("containerd and shims logged:\n%s", strings.Join(log[max(0, len(log)-100):], ""))
}
