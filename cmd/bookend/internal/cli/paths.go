package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/install"
)

// place are the directories of an installation.
type place struct{ bin, lib string }

func (p *place) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.bin, "bin-dir", install.DefaultBinDir, "directory on PATH that has links to the binaries")
	cmd.Flags().StringVar(&p.lib, "lib-dir", "", "directory of the binaries and of what uninstall needs (default \"../lib/bookend\" beside --bin-dir)")
	for _, name := range []string{"bin-dir", "lib-dir"} {
		_ = cmd.MarkFlagDirname(name)
	}
}

// resolve makes the paths absolute.
func (p *place) resolve() (err error) {
	if p.lib == "" {
		p.lib = install.DefaultLibDir(p.bin)
	}
	return absolute(&p.bin, &p.lib)
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
