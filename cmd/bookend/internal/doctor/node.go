package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// readNodeConfig reads bookend's own file as shims do: the one that is asked
// for, else that of containerd's environment, else the default one.
func readNodeConfig(asked, env string) Document {
	d := Document{Path: asked, Must: true}
	if d.Path == "" {
		d.Path = env
	}
	if d.Path == "" {
		d.Path, d.Must = configPath, false
	}
	data, err := os.ReadFile(d.Path)
	if err == nil {
		_, err = hooks.ParseConfig(data, d.Path)
	}
	d.Err = err
	return d
}

func configurationValid(f *Facts) Result {
	d := f.NodeConfig
	switch {
	case errors.Is(d.Err, fs.ErrNotExist) && !d.Must:
		return pass("no %s, the defaults hold", d.Path)
	case d.Err != nil:
		return fail("mend "+d.Path+": until then containers with a hook annotation cannot be created", "%v", d.Err)
	}
	return pass("%s is valid", d.Path)
}

// writable tells why this process could not write into dir, and the mode of
// dir, 0 where it is still to be made.
func writable(dir string) (fs.FileMode, error) {
	st, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if filepath.Dir(dir) == dir {
			return 0, err
		}
		_, err = writable(filepath.Dir(dir))
		return 0, err
	}
	if err != nil {
		return 0, err
	}
	if !st.IsDir() {
		return 0, fmt.Errorf("%s: %w", dir, unix.ENOTDIR)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	return st.Mode().Perm(), nil
}

func recordsWritable(f *Facts) Result {
	switch {
	case f.RecordsErr != nil:
		return warn("make "+f.RecordsDir+" a directory that root can write to", "what hooks do cannot be recorded: %v", f.RecordsErr)
	case f.RecordsMode&0o077 != 0:
		return warn("chmod 0700 "+f.RecordsDir, "%s has mode %04o: others can read what hooks print", f.RecordsDir, f.RecordsMode)
	case f.RecordsMode == 0:
		return pass("%s will be made for the first record", f.RecordsDir)
	}
	return pass("%s is writable", f.RecordsDir)
}
