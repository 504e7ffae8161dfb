package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Binaries says where the programs under test and their companions are.
type Binaries struct {
	Root  string // the repository
	Bin   string // bookend's own: containerd-shim-bookend-v2, bookend-exec
	Tools string // containerd, runc, the stock shim, CNI plugins, crictl, critest
	Crun  string // a newer crun than Debian 12's: it may be missing
}

// FindBinaries reads BOOKEND_BIN, BOOKEND_TOOLS and BOOKEND_CRUN; their defaults are
// bin, .cache/tools/bin and .cache/crun of the repository around the working
// directory. It fails
// with [ErrMissing] where a tool is absent; bookend's own programs are not
// looked for here, since tests of the stock shim need none.
func FindBinaries() (Binaries, error) {
	root, err := findRoot()
	if err != nil {
		return Binaries{}, err
	}
	b := Binaries{
		Root:  root,
		Bin:   envOr("BOOKEND_BIN", filepath.Join(root, "bin")),
		Tools: envOr("BOOKEND_TOOLS", filepath.Join(root, ".cache", "tools", "bin")),
		Crun:  filepath.Join(envOr("BOOKEND_CRUN", filepath.Join(root, ".cache", "crun")), "crun"),
	}
	return b, b.check()
}

// withTools returns b with the tools of another directory.
func (b Binaries) withTools(dir string) (Binaries, error) {
	b.Tools = dir
	return b, b.check()
}

// check fails where a tool is absent that every daemon needs.
func (b Binaries) check() error {
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "runc", "bridge", "host-local", "portmap"} {
		if _, err := b.Tool(name); err != nil {
			return err
		}
	}
	return nil
}

// Shim returns the path of bookend's shim, or an error that wraps [ErrMissing].
func (b Binaries) Shim() (string, error) {
	return existing(filepath.Join(b.Bin, ShimBinary))
}

// Executor returns the path of bookend-exec, or an error that wraps [ErrMissing].
func (b Binaries) Executor() (string, error) { return existing(filepath.Join(b.Bin, ExecBinary)) }

// Tool returns the path of one of the tools, or an error that wraps [ErrMissing].
func (b Binaries) Tool(name string) (string, error) {
	return existing(filepath.Join(b.Tools, name))
}

func existing(path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s: %w", path, ErrMissing)
	}
	return path, nil
}

// Busybox returns the path of a statically linked busybox.
func (b Binaries) Busybox() (string, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return "", fmt.Errorf("busybox: %w: install the package busybox-static", err)
	}
	return path, nil
}

func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module bookend.dev/bookend\n") {
			return dir, nil
		}
	}
	return "", fmt.Errorf("go.mod of bookend.dev/bookend, at or above the working directory: %w", os.ErrNotExist)
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
