package install

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata from what is planned")

// here stands for the node's directory in the files of testdata.
const here = "/DIR"

// copyNode makes the node a copy of a directory in testdata.
func (n *node) copyNode(from string) {
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
		n.write(name, strings.ReplaceAll(string(data), here, n.dir), 0o644)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// say is what an installation would do to containerd's files, and what it tells.
func (n *node) say(p *Plan, err error) string {
	var b strings.Builder
	if err != nil {
		b.WriteString("error: " + err.Error() + "\n")
	} else {
		for _, c := range p.Changes {
			if !strings.HasPrefix(c.Path, n.opts.BinDir) && !strings.HasPrefix(c.Path, n.opts.LibDir) {
				b.WriteString(c.Diff())
			}
		}
		for _, note := range p.Notes {
			b.WriteString("note: " + note + "\n")
		}
		if p.Todo != "" {
			b.WriteString("todo: " + p.Todo)
			if p.Then != "" {
				b.WriteString("then: " + p.Then + "\n")
			}
		}
	}
	return strings.ReplaceAll(b.String(), n.dir, here)
}

// Each directory in testdata is a way in which containerd is configured in the
// field; beside it stands what an installation makes of it.
func TestNodesAsTheyAreFound(t *testing.T) {
	nodes, err := filepath.Glob("testdata/nodes/*/etc")
	if err != nil || len(nodes) == 0 {
		t.Fatalf("got %v, %v", nodes, err)
	}
	for _, etc := range nodes {
		from := filepath.Dir(etc)
		t.Run(filepath.Base(from), func(t *testing.T) {
			n := newNode(t, "")
			n.copyNode(from)
			n.opts.EditConfig = true
			before := n.tree()
			p, err := New(t.Context(), n.opts)
			n.wantGolden(from+".golden", n.say(p, err))
			if err != nil {
				n.wantTree(before)
				return
			}
			n.wantThereAndBack(before)
		})
	}
}

func (n *node) wantGolden(golden, got string) {
	n.t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			n.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		n.t.Fatalf("%v: run the test with -update", err)
	}
	if got != string(want) {
		n.t.Errorf("got\n%s\nwant, as in %s,\n%s", got, golden, want)
	}
}

// wantThereAndBack installs twice, uninstalls twice, and does it again.
func (n *node) wantThereAndBack(before map[string]string) {
	n.t.Helper()
	n.install()
	installed := n.tree()
	for range 2 {
		if again := n.install(); !again.Empty() || again.Restart {
			n.t.Errorf("install again: %s restart %v", again, again.Restart)
		}
		n.wantTree(installed)
		if p := n.uninstall(); len(p.Notes) > 0 {
			n.t.Errorf("uninstall: %v", p.Notes)
		}
		n.wantTree(before)
		if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, ErrNotInstalled) {
			n.t.Errorf("uninstall again: %v", err)
		}
		n.install()
		n.wantTree(installed)
	}
	n.uninstall()
	n.wantTree(before)
}
