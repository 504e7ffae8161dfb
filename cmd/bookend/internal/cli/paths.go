package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/install"
)

// directories are those of an installation.
type directories struct{ bin, lib string }

func (d *directories) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.bin, "bin-dir", install.DefaultBinDir, "directory on PATH that has links to the binaries")
	cmd.Flags().StringVar(&d.lib, "lib-dir", "", "directory of the binaries and of what uninstall needs (default \"../lib/bookend\" beside --bin-dir)")
	for _, name := range []string{"bin-dir", "lib-dir"} {
		_ = cmd.MarkFlagDirname(name)
	}
}

// resolve makes the paths absolute.
func (d *directories) resolve() (err error) {
	if d.lib == "" {
		d.lib = install.DefaultLibDir(d.bin)
	}
	return absolute(&d.bin, &d.lib)
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
