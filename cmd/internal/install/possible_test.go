package install

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mount makes a file system of its own of a directory.
func (n *node) mount(name string, flags uintptr) {
	n.t.Helper()
	if os.Getuid() != 0 {
		n.t.Skip("mounting needs root")
	}
	dir := n.path(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", flags, "size=1m"); err != nil {
		n.t.Skipf("mounting is not possible here: %v", err)
	}
	n.t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			n.t.Error(err)
		}
	})
}

// What cannot be carried out is refused before anything has changed.
func TestWhatIsNotPossibleIsRefusedAsAWhole(t *testing.T) {
	for name, tt := range map[string]struct {
		mount string
		flags uintptr
		want  error
		told  string
	}{
		"read-only links":           {"bin", unix.MS_RDONLY, unix.EROFS, "DIR/bin cannot be written to"},
		"read-only binaries":        {"lib", unix.MS_RDONLY, unix.EROFS, "DIR/lib/bookend/versions cannot be made in DIR/lib"},
		"read-only configuration":   {"etc/conf.d", unix.MS_RDONLY, unix.EROFS, "DIR/etc/conf.d cannot be written to"},
		"binaries that cannot run":  {"lib", unix.MS_NOEXEC, ErrNoExec, "DIR/lib/bookend: its file system is mounted noexec: choose another --lib-dir"},
		"new ones that cannot run":  {"new", unix.MS_NOEXEC, ErrNoExec, "new binaries in DIR/new: its file system is mounted noexec: put them elsewhere (--from)"},
		"links where nothing runs":  {"bin", unix.MS_NOEXEC, nil, ""},
		"configuration, no program": {"etc/conf.d", unix.MS_NOEXEC, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, mainV3)
			n.mount(tt.mount, tt.flags)
			if tt.mount == "new" {
				n.release("1")
			}
			before := n.tree()
			p, err := New(t.Context(), n.opts)
			if told := strings.ReplaceAll(tt.told, "DIR", n.dir); !errors.Is(err, tt.want) || err != nil && !strings.HasPrefix(err.Error(), told) {
				t.Errorf("got %v, want %q", err, told)
			}
			n.wantTree(before)
			if err != nil {
				return
			}
			if err := p.Apply(); err != nil {
				t.Fatal(err)
			}
			n.uninstall()
			n.wantTree(before)
		})
	}
}

// What is in place is no matter of what can be written; to take it away is.
func TestAnInstallationThatHasBecomeReadOnlyStays(t *testing.T) {
	for _, dir := range []string{"bin", "lib"} {
		t.Run(dir, func(t *testing.T) {
			n := newNode(t, mainV3)
			n.mount(dir, 0)
			n.install()
			if err := unix.Mount("", n.path(dir), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			installed := n.tree()
			if p := n.install(); !p.Empty() {
				t.Errorf("got %s", p)
			}
			if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, unix.EROFS) {
				t.Errorf("uninstall: got %v", err)
			}
			n.wantTree(installed)
		})
	}
}

func TestAFileInPlaceOfADirectoryIsTold(t *testing.T) {
	n := newNode(t, mainV3)
	n.write("bin", "a file", 0o644)
	n.opts.BinDir = filepath.Join(n.path("bin"), "deeper")
	if _, err := New(t.Context(), n.opts); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("got %v", err)
	}
}
