package cli

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/install"
)

// directories are those of an installation.
type directories struct{ bin, lib string }

func (d *directories) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.bin, "bin-dir", "", "directory on PATH that has links to the binaries (default "+install.DefaultBinDir+", a package's "+install.PackageBinDir+")")
	cmd.Flags().StringVar(&d.lib, "lib-dir", "", "directory of the binaries and of what uninstall needs (default \"../lib/bookend\" beside --bin-dir, a package's "+install.PackageLibDir+")")
	for _, name := range []string{"bin-dir", "lib-dir"} {
		_ = cmd.MarkFlagDirname(name)
	}
}

// resolve makes the paths absolute. Those that are not named are a package's where
// this command is in one.
func (d *directories) resolve() (err error) {
	self, err := ownDir()
	if err != nil {
		return err
	}
	if d.bin == "" && d.lib == "" && self == install.PackageDir {
		d.bin, d.lib = install.PackageBinDir, install.PackageLibDir
	}
	d.bin = cmp.Or(d.bin, install.DefaultBinDir)
	if d.lib == "" {
		d.lib = install.DefaultLibDir(d.bin)
	}
	return absolute(&d.bin, &d.lib)
}

// ownDir is the directory of this command, with links resolved.
func ownDir() (string, error) {
	self, err := os.Executable()
	return filepath.Dir(self), err
}

// absolute makes paths absolute; one that is empty is not named, and stays so.
func absolute(paths ...*string) (err error) {
	for _, path := range paths {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}
