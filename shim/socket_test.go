package shim

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAShimIsDeadOnlyWhereTheKernelSaysSo(t *testing.T) {
	dir := t.TempDir()
	listening, err := net.Listen("unix", filepath.Join(dir, "listening"))
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "left")})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	for name, want := range map[string]bool{
		"listening":        false,
		"left":             true,
		"none":             true,
		busySocket(t, dir): false,
		filepath.Join("listening", "below a file"): false, // ENOTDIR: no proof
	} {
		path := filepath.Join(dir, name)
		if got := isDead("unix://" + path); got != want {
			t.Errorf("%s: dead is %v, want %v", name, got, want)
		}
		_, err := os.Lstat(path)
		there := err == nil
		removeDeadSocket("unix://" + path)
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) != want && there {
			t.Errorf("%s: after its removal: %v", name, err)
		}
	}
}

// busySocket makes a socket whose owner is too busy to accept: so many
// connections wait that the next is not let in. It returns its name in dir.
func busySocket(t *testing.T, dir string) string {
	t.Helper()
	const name = "busy"
	address := &unix.SockaddrUnix{Name: filepath.Join(dir, name)}
	server := unixSocket(t)
	if err := errors.Join(unix.Bind(server, address), unix.Listen(server, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		err := unix.Connect(unixSocket(t), address)
		if errors.Is(err, syscall.EAGAIN) {
			return name
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unixSocket(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}
