// Command packages writes bookend as a deb, an rpm and a tar archive for one
// architecture, with manual pages, completions, licences and a list of what the
// binaries are made of (CycloneDX). `make packages` runs it for every architecture.
//
// The same sources give the same bytes: every time in a package is the one given,
// and nothing tells of the machine or the directory that it was made in.
//
// It is a module of its own, so that bookend's does not name what only packages need.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// release is what packages are made of.
type release struct {
	root    string // the repository
	version string
	arch    string // as Go calls it
	bin     string // directory of the binaries for arch
	command string // a bookend that runs here: it writes its own manual
	time    time.Time
	libs    []library // that are linked into bookend-exec
	dist    string
	work    string // for files that go into packages
}

func main() {
	var r release
	var epoch int64
	flag.StringVar(&r.root, "root", "", "the repository")
	flag.StringVar(&r.version, "version", "", "bookend's version")
	flag.StringVar(&r.arch, "arch", "", "the architecture, as Go calls it")
	flag.StringVar(&r.bin, "bin", "", "the directory of its binaries")
	flag.StringVar(&r.command, "command", "", "the bookend that runs on this machine")
	flag.StringVar(&r.dist, "dist", "", "where packages go")
	flag.Int64Var(&epoch, "epoch", 0, "the time in packages, in seconds since 1970")
	flag.Func("library", "NAME=VERSION:LICENSE:FILE, a library in C that is linked in, and its text of the licence", func(s string) error {
		lib, err := parseLibrary(s)
		r.libs = append(r.libs, lib)
		return err
	})
	flag.Parse()
	r.time = time.Unix(epoch, 0).UTC()
	if err := r.run(); err != nil {
		fmt.Fprintf(os.Stderr, "packages: %v\n", err)
		os.Exit(1)
	}
}

func (r *release) run() (err error) {
	if r.work, err = os.MkdirTemp("", "bookend-packages-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.work)
	files, err := r.files()
	if err != nil {
		return err
	}
	for _, format := range []string{"deb", "rpm"} {
		if err := r.native(format, files); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return r.archive(files)
}

// library is one in C, and where the text of its licence is.
type library struct{ name, version, license, text string }

func parseLibrary(s string) (library, error) {
	name, rest, _ := strings.Cut(s, "=")
	fields := strings.Split(rest, ":")
	if n := len(fields); n >= 3 { // a version may have colons
		lib := library{name, strings.Join(fields[:n-2], ":"), fields[n-2], fields[n-1]}
		if cmp.Or(lib.name, lib.version) != "" && lib.version != "" {
			return lib, nil
		}
	}
	return library{}, fmt.Errorf("%q is not NAME=VERSION:LICENSE:FILE", s)
}

// name is the beginning of what files in dist are called.
func (r *release) name() string { return "bookend-" + r.version + "-linux-" + r.arch }

// create makes a file in dist.
func (r *release) create(name string) (*os.File, error) {
	return os.Create(filepath.Join(r.dist, name))
}
