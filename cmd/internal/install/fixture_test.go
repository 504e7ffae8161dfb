package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// node is a machine in a directory.
type node struct {
	t    *testing.T
	dir  string
	opts Options
}

const mainV3 = `version = 3
imports = ["conf.d/*.toml"]
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
options = {SystemdCgroup = true}
`

// newNode makes one with containerd's main file and a set of new binaries.
func newNode(t *testing.T, main string) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir()}
	n.opts = Options{
		From: n.path("new"), BinDir: n.path("bin"), LibDir: n.path("lib/bookend"),
		ContainerdConfig: n.path("etc/config.toml"), RuntimeName: "bookend",
		OldContainerd: func(int) bool { return false },
	}
	n.write("etc/other", "x", 0o644)
	if main != "" {
		n.write("etc/config.toml", main, 0o640)
	}
	n.release("1")
	return n
}

// release makes new binaries of a content.
func (n *node) release(content string) {
	n.t.Helper()
	for _, name := range binaries() {
		n.write("new/"+name, "#!/bin/sh\n# "+content+"\necho '{\"version\":\"1.2.3\"}'\n", 0o755)
	}
}

func (n *node) path(name string) string { return filepath.Join(n.dir, name) }

func (n *node) write(name, content string, mode fs.FileMode) {
	n.t.Helper()
	path := n.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.RemoveAll(path), os.WriteFile(path, []byte(content), mode)); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) read(name string) string {
	n.t.Helper()
	data, err := os.ReadFile(n.path(name))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(data)
}

// install plans and applies.
func (n *node) install() *Plan {
	n.t.Helper()
	p, err := New(n.t.Context(), n.opts)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := p.Apply(); err != nil {
		n.t.Fatal(err)
	}
	return p
}

func (n *node) uninstall() *Plan {
	n.t.Helper()
	p, err := Undo(n.opts.LibDir, false)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := p.Revert(); err != nil {
		n.t.Fatal(err)
	}
	return p
}

// tree is everything but the new binaries, with modes and content.
func (n *node) tree() map[string]string {
	n.t.Helper()
	tree := map[string]string{}
	err := filepath.WalkDir(n.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == n.opts.From:
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		if e, err := readEntry(path); err == nil {
			what += e.Link + string(e.Data)
		}
		tree[path] = what
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return tree
}

func (n *node) wantTree(want map[string]string) {
	n.t.Helper()
	got := n.tree()
	for path, what := range want {
		if got[path] != what {
			n.t.Errorf("%s: got %q, want %q", path, got[path], what)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			n.t.Errorf("%s is left", path)
		}
	}
}

func (n *node) link(file, link, content string) {
	n.t.Helper()
	n.write(file, content, 0o600)
	if err := os.Symlink(n.path(file), n.path(link)); err != nil {
		n.t.Fatal(err)
	}
}
