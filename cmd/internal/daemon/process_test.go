package daemon

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAProcessIsReadFromItsFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"cmdline": "containerd\x00--config\x00/x y.toml\x00", "environ": "PATH=/a:/b\x00BOOKEND_CONFIG=\x00odd\x00X=y=z\x00",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr/bin/containerd (deleted)", filepath.Join(dir, "exe")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/somewhere", filepath.Join(dir, "cwd")); err != nil {
		t.Fatal(err)
	}
	p, err := readProcess(7, dir)
	if err != nil || p.PID != 7 || p.Exe != "/usr/bin/containerd" || p.ConfigFile() != "/x y.toml" ||
		p.Env["PATH"] != "/a:/b" || p.Env["X"] != "y=z" || len(p.Env) != 3 || p.Dir != "/somewhere" {
		t.Errorf("got %+v, %v", p, err)
	}
	if _, err := readProcess(7, filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestTheUnitIsThatOfTheSystemsServices(t *testing.T) {
	for cgroups, want := range map[string]string{
		"0::/system.slice/containerd.service\n":                                     "containerd",
		"3:cpu:/\n1:name=systemd:/system.slice/k3s.service\n0::/\n":                 "k3s",
		"0::/user.slice/user-0.slice/user@0.service/app.slice/containerd.service\n": "",
		"0::/system.slice/ssh.service/x\n":                                          "",
		"0::/system.slice/ssh.service/x.service\n":                                  "",
		"0::/docker/abc/system.slice/containerd.service\n":                          "",
		"0::/runtime.slice/containerd.service\n":                                    "containerd",
		"0::/kubepods/pod1\n":                                                       "",
		"0::/../../../system.slice/containerd.service\n":                            "containerd",
		"0::/../x/system.slice/containerd.service\n":                                "",
	} {
		file := filepath.Join(t.TempDir(), "cgroup")
		if err := os.WriteFile(file, []byte(cgroups), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := unitOf(file); got != want {
			t.Errorf("%q: got %q, want %q", cgroups, got, want)
		}
	}
	if got := unitOf(t.TempDir()); got != "" {
		t.Errorf("of no file: got %q", got)
	}
}

func TestTheConfigurationFileIsThatOfTheCommandLine(t *testing.T) {
	for want, args := range map[string][]string{
		"":     {"containerd", "--log-level", "debug"},
		"/d/e": {"containerd", "-c", "e"},
		"/a":   {"containerd", "-c", "/a"},
		"/b":   {"containerd", "--config=/b", "--root", "/c"},
	} {
		if got := (Process{Args: args, Dir: "/d"}).ConfigFile(); got != want {
			t.Errorf("%q: got %q", args, got)
		}
	}
}

func TestWhoListensIsFoundByItsSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if pid, err := listener(t.Context(), path); pid != os.Getpid() || err != nil {
		t.Errorf("got %d, %v", pid, err)
	}
}

func TestAProcessIsToldFromAnotherOfItsPid(t *testing.T) {
	stat := func(start string) string {
		path := filepath.Join(t.TempDir(), "stat")
		text := "7 (a ) 1 2) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 " + start + " 100 2"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := startOf(7, stat("1234"))
	if !strings.HasSuffix(first, "/7/1234") || first == "/7/1234" {
		t.Errorf("got %q", first)
	}
	if other := startOf(7, stat("1235")); other == first {
		t.Errorf("both are %q", other)
	}
	if got := startOf(7, filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("of no process: got %q", got)
	}
}
