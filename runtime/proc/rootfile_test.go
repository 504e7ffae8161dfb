package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadFileInRoot(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("the host's"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(at("etc"), 0o755))
	must(os.WriteFile(at("etc/plain"), []byte("content"), 0o644))
	must(os.WriteFile(at("etc/empty"), nil, 0o644))
	must(os.WriteFile(at("etc/huge"), []byte(strings.Repeat("x", 101)), 0o644))
	must(os.WriteFile(at("etc/full"), []byte(strings.Repeat("x", 100)), 0o644))
	must(os.Symlink("../etc/plain", at("etc/inside")))
	must(os.Symlink("/etc/plain", at("etc/absolute")))
	must(os.Symlink(secret, at("etc/host")))
	must(os.Symlink("../../../../../../../.."+secret, at("etc/dots")))
	must(os.Symlink("loop", at("etc/loop")))
	must(unix.Mkfifo(at("etc/fifo"), 0o644))
	must(unix.Mknod(at("etc/device"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))) // zeroes without end

	root, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	must(err)
	defer root.Close()
	before := openDescriptors(t)
	tests := []struct {
		path, content string
		err           error
	}{
		{"/etc/plain", "content", nil},
		{"etc/plain", "content", nil},
		{"/../../etc/plain", "content", nil},
		{"/etc/inside", "content", nil},
		{"/etc/absolute", "content", nil},
		{"/etc/empty", "", nil},
		{"/etc/full", strings.Repeat("x", 100), nil},
		{"/etc/huge", "", ErrTooLarge},
		{"/etc/host", "", fs.ErrNotExist},
		{"/etc/dots", "", fs.ErrNotExist},
		{"/etc/missing", "", fs.ErrNotExist},
		{"/etc/loop", "", unix.ELOOP},
		{"/etc/fifo", "", ErrNotRegular},
		{"/etc/device", "", ErrNotRegular},
		{"/etc", "", ErrNotRegular},
	}
	for _, tt := range tests {
		got, err := ReadFileInRoot(root, tt.path, 100)
		if string(got) != tt.content || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.path, got, err, tt.content, tt.err)
		}
	}
	if n := openDescriptors(t); n != before {
		t.Errorf("%d descriptors open, %d before", n, before)
	}
}

// Links of procfs lead out of any root: /proc/1/root is the host's.
func TestReadFileInRootFollowsNoMagicLinks(t *testing.T) {
	root, err := os.OpenFile("/", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := ReadFileInRoot(root, "/proc/thread-self/root/etc/passwd", 1<<20); !errors.Is(err, unix.ELOOP) {
		t.Fatal(err)
	}
	if got, err := ReadFileInRoot(root, "/proc/version", 1<<20); err != nil || len(got) != 0 {
		t.Fatalf("a file of procfs was read: %q, %v", got, err)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
