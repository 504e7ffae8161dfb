package install

import (
	"fmt"
	"path/filepath"

	"bookend.dev/bookend/hooks"
)

// Where a deb or rpm of bookend's has put the binaries and the links to them, and
// where the installation of such binaries keeps its state.
const (
	PackageDir    = "/usr/libexec/" + hooks.CommandBinary
	PackageBinDir = "/usr/bin"
	PackageLibDir = "/var/lib/" + hooks.CommandBinary
)

// Packaged tells whether these options are an installation of binaries that stay
// where a package has put them: only containerd is configured.
func (o Options) Packaged() bool {
	return o.From == PackageDir && o.BinDir == PackageBinDir && o.LibDir == PackageLibDir
}

// inPlace checks that the links lead to the binaries of the package.
func (p *Plan) inPlace() error {
	for _, name := range linked() {
		link, want := filepath.Join(p.opts.BinDir, name), filepath.Join(p.opts.From, name)
		switch to, err := filepath.EvalSymlinks(link); {
		case err != nil:
			return fmt.Errorf("%w: install the package again", err)
		case to != want:
			return fmt.Errorf("%s leads to %s and not to the package's %s: install the package again", link, to, want)
		}
	}
	return nil
}

// inUse fails with [ErrInUse] while shims of the installation run, from a set or from
// where a package has put them.
func (p *Plan) inUse() error {
	dirs := []string{p.opts.versionsDir()}
	if p.state.InPlace != "" {
		dirs = append(dirs, p.state.InPlace)
	}
	return inUse(dirs...)
}
