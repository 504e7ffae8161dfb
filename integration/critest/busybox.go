package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// findBusybox returns the path of a busybox fit for the images: path itself if it is one, else
// the one of Debian's package busybox, fetched with apt and unpacked below cache, not installed.
// (busybox-static, which the two exclude each other with, is built for rescue.)
func findBusybox(ctx context.Context, path, cache string) (string, error) {
	err := checkBusybox(ctx, path)
	if err == nil {
		return path, nil
	}
	dir := filepath.Join(cache, "busybox")
	if fetched := unpacked(dir); fetched != "" && checkBusybox(ctx, fetched) == nil {
		return fetched, nil
	}
	fetched, fetchErr := fetchBusybox(ctx, dir)
	if fetchErr != nil {
		return "", fmt.Errorf("busybox: %s: %w; and the package: %w", path, err, fetchErr)
	}
	return fetched, checkBusybox(ctx, fetched)
}

// checkBusybox tells whether busybox's shell looks commands up on PATH.
func checkBusybox(ctx context.Context, busybox string) error {
	shell := exec.CommandContext(ctx, busybox, "sh", "-c", "PATH=/nonexistent; ls / >/dev/null 2>&1 || echo looked")
	out, err := shell.Output()
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(out)) != "looked" {
		return errStandalone
	}
	return nil
}

func fetchBusybox(ctx context.Context, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := aptGet(ctx, dir, "download", "-o", "APT::Sandbox::User=root", "busybox"); err != nil {
		// A machine that was just made has no lists of packages.
		if err := aptGet(ctx, dir, "update", "-qq"); err != nil {
			return "", err
		}
		if err := aptGet(ctx, dir, "download", "-o", "APT::Sandbox::User=root", "busybox"); err != nil {
			return "", err
		}
	}
	packages, err := filepath.Glob(filepath.Join(dir, "busybox_*.deb"))
	if err != nil || len(packages) == 0 {
		return "", fmt.Errorf("apt-get download busybox left no package in %s", dir)
	}
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", packages[0], dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("dpkg-deb -x %s: %w: %s", packages[0], err, out)
	}
	if path := unpacked(dir); path != "" {
		return path, nil
	}
	return "", fmt.Errorf("%s has no busybox", packages[0])
}

// unpacked returns the path of the busybox of a package that was unpacked in dir, or nothing.
func unpacked(dir string) string {
	for _, path := range []string{"bin/busybox", "usr/bin/busybox"} {
		if path = filepath.Join(dir, path); isFile(path) {
			return path
		}
	}
	return ""
}

func aptGet(ctx context.Context, dir string, args ...string) error {
	get := exec.CommandContext(ctx, "apt-get", args...)
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w: %s", args[0], err, out)
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// applets lists what busybox can be called as.
func applets(ctx context.Context, busybox string) ([]string, error) {
	out, err := exec.CommandContext(ctx, busybox, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", busybox, err)
	}
	return strings.Fields(string(out)), nil
}

// libraries lists the files that program is linked against, its loader included; none if it is static.
func libraries(ctx context.Context, program string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "ldd", program).CombinedOutput()
	if strings.Contains(string(out), "not a dynamic executable") || strings.Contains(string(out), "statically linked") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	var files []string
	for _, word := range strings.Fields(string(out)) {
		if filepath.IsAbs(word) {
			files = append(files, word)
		}
	}
	return files, nil
}
