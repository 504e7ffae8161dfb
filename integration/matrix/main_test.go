package matrix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// probe is the path of the probe, once TestMain has built it.
var probe string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bookend-probe-")
	if err == nil {
		probe = filepath.Join(dir, "probe")
		if built := os.Getenv("BOOKEND_TEST_PROGRAMS"); built != "" {
			probe = filepath.Join(built, "probe") // on a machine without a compiler
		} else {
			err = buildProbe()
		}
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func buildProbe() error {
	sources, err := filepath.Glob("probe/*.c")
	if err != nil {
		return err
	}
	args := append([]string{"-static", "-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o", probe}, sources...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build probe: %w: %s", err, out)
	}
	return nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
