package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/internal/report"
)

// reported runs a command for a program, and returns what it says.
func (s *site) reported(code int, args ...string) report.Report {
	s.t.Helper()
	out, _, _ := strings.Cut(s.run(code, append(args, "--report")...), "\n")
	var rep report.Report
	if err := json.Unmarshal([]byte(out), &rep); err != nil {
		s.t.Fatalf("%q: %v", out, err)
	}
	return rep
}

func TestAProgramIsToldWhatIsDone(t *testing.T) {
	s := newSite(t, importing)
	install := []string{
		"install", "--from", "DIR/new", "--bin-dir", "DIR/bin", "--containerd", "DIR/containerd", "--containerd-config", "DIR/etc/config.toml",
	}
	uninstall := []string{"uninstall", "--bin-dir", "DIR/bin"}
	link := filepath.Join(s.dir, "bin", "bookend")
	if rep := s.reported(ExitFailed, uninstall...); rep.Problem != report.NotInstalled || rep.Error == "" {
		t.Errorf("uninstall before: %+v", rep)
	}
	if rep := s.reported(ExitOK, append(install, "--dry-run")...); !rep.Changed || !rep.Restart || !strings.HasPrefix(rep.Set, "1.0.0-") || rep.Distribution != "containerd" || rep.Unit != "containerd" {
		t.Errorf("a dry run: %+v", rep)
	}
	if _, err := os.Lstat(link); err == nil {
		t.Error("a dry run installs")
	}
	if rep := s.reported(ExitOK, install...); !rep.Changed || !rep.Restart || rep.Error != "" {
		t.Errorf("install: %+v", rep)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error(err)
	}
	if rep := s.reported(ExitOK, install...); rep.Changed || rep.Restart {
		t.Errorf("install again: %+v", rep)
	}
	if rep := s.reported(ExitOK, append(uninstall, "--configuration-only")...); !rep.Changed || !rep.Restart {
		t.Errorf("the configuration is taken back: %+v", rep)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Errorf("the binaries go with it: %v", err)
	}
	if rep := s.reported(ExitOK, install...); !rep.Restart {
		t.Errorf("install after that: %+v", rep)
	}
	if rep := s.reported(ExitOK, uninstall...); !rep.Changed || !rep.Restart {
		t.Errorf("uninstall: %+v", rep)
	}
	if _, err := os.Lstat(link); err == nil {
		t.Error("it is still installed")
	}
}

func TestAProgramIsToldWhatAPersonHasToDo(t *testing.T) {
	s := newSite(t, "version = 3\n")
	if rep := s.reported(ExitFound, "install", "--from", "DIR/new", "--bin-dir", "DIR/bin", "--containerd", "DIR/containerd", "--containerd-config", "DIR/etc/config.toml"); !strings.Contains(rep.Todo, "--edit-config") {
		t.Errorf("got %+v", rep)
	}
	s.write("containerd", "#!/bin/sh\necho containerd github.com/containerd/containerd v1.6.2 0\n", 0o755)
	if rep := s.reported(ExitFailed, "install", "--edit-config", "--from", "DIR/new", "--bin-dir", "DIR/bin2", "--containerd", "DIR/containerd", "--containerd-config", "DIR/etc/config.toml"); !strings.Contains(rep.Error, "1.6.2 cannot start this shim") {
		t.Errorf("too old: %+v", rep)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "bin2")); err == nil {
		t.Error("it is installed for a containerd that is too old")
	}
}
