package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// readNode reads the node's configuration as shims of the runtime do, and finds
// the runc that the runtime names, empty for none. The options of a runtime of
// bookend's own type are that configuration, or name its file, and runc is named
// in there; those of runc's type are runc's.
func (f *Facts) readNode() (node *hooks.Config, runc string) {
	r, _ := f.runtime()
	asked, env := f.Options.NodeConfig, f.env(hooks.ConfigEnv)
	if r.Type != hooks.RuntimeType || len(r.Options) == 0 {
		f.NodeConfig, node = readNodeConfig(asked, env)
		return node, r.BinaryName()
	}
	path, named := configPath(r.Options)
	if asked == "" && !named {
		f.NodeConfig, node = f.inlineConfig(r.Options)
		return node, node.Runc.BinaryName
	}
	f.NodeConfig, node = readNodeConfig(cmp.Or(asked, path), env)
	return node, node.Runc.BinaryName
}

// configPath is the file that options name. containerd compares keys without
// regard to case.
func configPath(options map[string]any) (path string, ok bool) {
	for key, value := range options {
		if strings.EqualFold(key, "ConfigPath") {
			path, ok = value.(string)
			return path, ok && path != ""
		}
	}
	return "", false
}

// inlineConfig reads options that are the configuration itself.
func (f *Facts) inlineConfig(options map[string]any) (Document, *hooks.Config) {
	d := Document{Path: fmt.Sprintf("the options of runtime %q in %s", f.RuntimeName, f.CRI.Path), Must: true}
	data, err := toml.Marshal(options)
	if err == nil {
		var cfg *hooks.Config
		if cfg, err = hooks.ParseConfig(data, d.Path); err == nil {
			return d, cfg
		}
	}
	d.Err = err
	return d, hooks.DefaultConfig()
}

// readNodeConfig reads bookend's own file as shims do: the one that is asked
// for, else that of containerd's environment, else the default one. Where it
// cannot be read the configuration is the default.
func readNodeConfig(asked, env string) (Document, *hooks.Config) {
	d := Document{Path: asked, Must: true}
	if d.Path == "" {
		d.Path = env
	}
	if d.Path == "" {
		d.Path, d.Must = hooks.ConfigPath, false
	}
	data, err := os.ReadFile(d.Path)
	if err == nil {
		var cfg *hooks.Config
		if cfg, err = hooks.ParseConfig(data, d.Path); err == nil {
			return d, cfg
		}
	}
	d.Err = err
	return d, hooks.DefaultConfig()
}

func configurationValid(f *Facts) Result {
	d := f.NodeConfig
	switch {
	case errors.Is(d.Err, fs.ErrNotExist) && !d.Must:
		return pass("no %s, the defaults hold", d.Path)
	case d.Err != nil:
		return fail("fix "+d.Path+": until then containers with a hook annotation cannot be created", "%v", d.Err)
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
