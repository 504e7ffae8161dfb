package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"bookend.dev/bookend/integration/vm"
)

// scripts are what runs in the guest beside tests.
//
//go:embed guest
var scripts embed.FS

// What else a build leaves below the repository.
const (
	tools      = ".cache/tools/bin"
	oldVersion = ".cache/old-bookend"
)

// payload makes the disk that the guest has at /bookend: the scripts, tests, the
// repository without its history, and in it bin/ and the tools, where tests look
// for them by themselves.
func payload(ctx context.Context, s settings, p plan, dir string) (string, error) {
	stage := filepath.Join(dir, "stage")
	for _, sub := range []string{"guest", "tests", "programs", "src"} {
		if err := os.MkdirAll(filepath.Join(stage, sub), 0o755); err != nil {
			return "", err
		}
	}
	if err := copyScripts(filepath.Join(stage, "guest")); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(stage, "guest", "plan.sh"), []byte(p.script(s.timeout)), 0o644); err != nil {
		return "", err
	}
	for _, k := range p.packages {
		if err := goTool(ctx, filepath.Join(s.root, k.path), "test", "-c", "-o", filepath.Join(stage, "tests", k.binary()), "."); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"pause", "testserver"} {
		if err := goTool(ctx, s.root, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(stage, "programs", name), "./integration/harness/"+name); err != nil {
			return "", err
		}
	}
	if err := buildProbe(ctx, s, filepath.Join(stage, "programs", "probe")); err != nil {
		return "", err
	}
	if err := copyTree(s.root, filepath.Join(stage, "src"), ".git", ".cache"); err != nil {
		return "", err
	}
	if err := copyTree(filepath.Join(s.root, tools), filepath.Join(stage, "src", tools)); err != nil {
		return "", err
	}
	// Without it the tests of upgrades fail, and say how to make it.
	if err := copyTree(filepath.Join(s.root, oldVersion), filepath.Join(stage, "src", oldVersion)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return ext4(ctx, s, filepath.Join(dir, "suite.ext4"), stage)
}

// goTool runs go in a directory, whose module may be another, without cgo: the guest has
// libraries of its own.
func goTool(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// buildProbe builds the program of the matrix, as its package does elsewhere.
func buildProbe(ctx context.Context, s settings, to string) error {
	sources, err := filepath.Glob(filepath.Join(s.root, "integration/matrix/probe/*.c"))
	if err != nil {
		return err
	}
	args := append([]string{"-static", "-O1", "-D_GNU_SOURCE", "-o", to}, sources...)
	if out, err := exec.CommandContext(ctx, "gcc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the probe: %w: %s", err, out)
	}
	return nil
}

func copyScripts(to string) error {
	return fs.WalkDir(scripts, "guest", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := scripts.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, e.Name()), content, 0o755)
	})
}

// copyTree copies what is below from, but for the names in its top directory
// that are left out.
func copyTree(from, to string, leftOut ...string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if slices.Contains(leftOut, rel) {
			return skip(e)
		}
		in := filepath.Join(to, rel)
		switch {
		case e.IsDir():
			return os.MkdirAll(in, 0o755)
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, in)
		case e.Type().IsRegular():
			return copyFile(path, in)
		}
		return nil
	})
}

func skip(e fs.DirEntry) error {
	if e.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// copyFile makes a link where it can.
func copyFile(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

// ext4 makes a disk with what is in a directory.
func ext4(ctx context.Context, s settings, disk, dir string) (string, error) {
	const spare = "16" // MiB, for what a file system has beside files
	out, err := exec.CommandContext(ctx, filepath.Join(s.root, "integration/vmsuite/disks/ext4.sh"), disk, dir, spare).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("make the disk with the tests: %w: %s", err, out)
	}
	return disk, nil
}

// writeInitramfs writes the file system that the guest boots from.
func writeInitramfs(s settings, dir string) (name string, err error) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return "", fmt.Errorf("%w: install the package busybox-static", err)
	}
	file, err := os.Create(filepath.Join(dir, "initramfs"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	a := vm.NewArchive(file)
	a.Busybox(busybox)
	for _, d := range []string{"/dev", "/proc", "/sys", "/root"} {
		a.Dir(d)
	}
	script, err := scripts.ReadFile("guest/initramfs.sh")
	if err != nil {
		return "", err
	}
	a.File("/init", script)
	a.Tree("/early", s.kernelDir("early"))
	return file.Name(), a.Close()
}

func (s settings) kernelDir(elem ...string) string {
	return filepath.Join(append([]string{s.disks, "kernel-" + s.kernel}, elem...)...)
}
