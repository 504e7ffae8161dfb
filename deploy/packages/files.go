package main

import (
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// file is one of a package's.
type file struct {
	path   string // in a deb or rpm; empty: not there
	inTar  string // below the archive's directory; empty: not there
	format string // the only one that has it; empty: both
	source string
	link   string // a symbolic link to this path
	dir    bool   // a directory: rpm removes only those that are a package's
	mode   fs.FileMode
}

// libexec is where the binaries are. `bookend install` knows it, and leaves them
// there: PackageDir in cmd/internal/install.
const libexec = "/usr/libexec/bookend/"

// files makes what is not there yet, and lists all.
func (r *release) files() ([]file, error) {
	docs := "/usr/share/doc/bookend/"
	all := []file{
		{path: libexec + "bookend", inTar: "bin/bookend", source: filepath.Join(r.bin, "bookend"), mode: 0o755},
		{path: libexec + "bookend-exec", inTar: "bin/bookend-exec", source: filepath.Join(r.bin, "bookend-exec"), mode: 0o755},
		{path: libexec + "containerd-shim-bookend-v2", inTar: "bin/containerd-shim-bookend-v2", source: filepath.Join(r.bin, "containerd-shim-bookend-v2"), mode: 0o755},
		{path: "/usr/bin/bookend", link: "../libexec/bookend/bookend"},
		{path: "/usr/bin/containerd-shim-bookend-v2", link: "../libexec/bookend/containerd-shim-bookend-v2"},
		{path: libexec, format: "rpm", dir: true, mode: 0o755},
		{path: docs, format: "rpm", dir: true, mode: 0o755},
		{path: docs + "copyright", inTar: "LICENSE", source: filepath.Join(r.root, "LICENSE"), mode: 0o644},
	}
	for _, more := range []func() ([]file, error){r.manual, r.completions, r.origins} {
		files, err := more()
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

// manual has every page compressed, as deb and rpm want them.
func (r *release) manual() (files []file, err error) {
	dir := filepath.Join(r.work, "man")
	cmd := exec.Command(r.command, "man", dir)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("manual: %w: %s", err, out)
	}
	pages, err := os.ReadDir(dir)
	for _, page := range pages {
		name := page.Name() + ".gz"
		source := filepath.Join(r.work, name)
		if err := compress(filepath.Join(dir, page.Name()), source); err != nil {
			return nil, err
		}
		files = append(files, file{path: "/usr/share/man/man1/" + name, inTar: "man/" + name, source: source, mode: 0o644})
	}
	return files, err
}

// compress writes no name and no time.
func compress(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	w, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}

func (r *release) completions() (files []file, err error) {
	for _, of := range []struct{ shell, name, path, format string }{
		{"bash", "bookend", "/usr/share/bash-completion/completions/bookend", ""},
		{"fish", "bookend.fish", "/usr/share/fish/vendor_completions.d/bookend.fish", ""},
		{"zsh", "_bookend", "/usr/share/zsh/vendor-completions/_bookend", "deb"},
		{"zsh", "_bookend", "/usr/share/zsh/site-functions/_bookend", "rpm"},
	} {
		script, err := exec.Command(r.command, "completion", of.shell).Output()
		if err != nil {
			return nil, fmt.Errorf("completion of %s: %w", of.shell, err)
		}
		f := file{path: of.path, format: of.format, mode: 0o644}
		if of.format != "rpm" {
			f.inTar = "completions/" + of.shell + "/" + of.name
		}
		if f.source, err = r.put(of.shell+"-"+of.name, script); err != nil {
			return nil, err
		}
		files = append(files, f)
		// Those of shells that are not installed: rpm shares directories.
		if of.format != "deb" {
			own := filepath.Dir(of.path)
			files = append(files, file{path: own, format: "rpm", dir: true, mode: 0o755}, file{path: filepath.Dir(own), format: "rpm", dir: true, mode: 0o755})
		}
	}
	return files, nil
}

// put makes a file for packages.
func (r *release) put(name string, data []byte) (path string, err error) {
	path = filepath.Join(r.work, name)
	return path, os.WriteFile(path, data, 0o644)
}
