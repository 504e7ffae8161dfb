package runtime

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"
)

// binaries returns the paths of runc and bookend-exec: those that BOOKEND_TEST_RUNC
// and BOOKEND_TEST_EXEC name, else those that `make build tools` has made. Who is not
// root cannot use them, and skips the test.
func binaries(t testing.TB) (runcPath, execPath string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	runcPath = cmp.Or(os.Getenv("BOOKEND_TEST_RUNC"), filepath.Join(directory(t, "BOOKEND_TOOLS", ".cache/tools/bin"), "runc"))
	execPath = cmp.Or(os.Getenv("BOOKEND_TEST_EXEC"), filepath.Join(directory(t, "BOOKEND_BIN", "bin"), "bookend-exec"))
	for _, path := range []string{runcPath, execPath} {
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("%v: run `make build tools` first", err)
		}
	}
	return runcPath, execPath
}

// directory is the one that a variable names, else the one in the repository.
func directory(t testing.TB, variable, inRepository string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", inRepository))
	must(t, err)
	return cmp.Or(os.Getenv(variable), path)
}
