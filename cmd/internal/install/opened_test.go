package install

import (
	"os"
	"path/filepath"
	"testing"
)

// A set that was opened is installed when its directory is gone.
func TestASetIsInstalledThatWasOpenedBefore(t *testing.T) {
	n := newNode(t, mainV3)
	p, err := New(t.Context(), n.opts)
	if err != nil {
		t.Fatal(err)
	}
	if n.opts.Opened, err = OpenSet(t.Context(), n.opts.From); err != nil {
		t.Fatal(err)
	}
	defer n.opts.Opened.Close()
	want := map[string]string{}
	for _, name := range binaries() {
		want[name] = n.read("new/" + name)
	}
	if err := os.RemoveAll(n.opts.From); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was read once is read again
		got := n.install()
		if got.Set != p.Set || !complete(p.setDir()) {
			t.Errorf("set %s, want %s, complete: %v", got.Set, p.Set, complete(p.setDir()))
		}
		for name, content := range want {
			if data, err := os.ReadFile(filepath.Join(p.setDir(), name)); err != nil || string(data) != content {
				t.Errorf("%s: %q, %v", name, data, err)
			}
		}
		n.uninstall()
	}
	if _, err := OpenSet(t.Context(), n.path("none")); err == nil {
		t.Error("a directory that is not there was opened")
	}
}
