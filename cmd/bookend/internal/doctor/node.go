package doctor

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/hooks"
)

// readNode reads the node's configuration as shims of the runtime do, and finds
// the runc that the runtime names, empty for none. The options of a runtime of
// bookend's own type are that configuration, or name its file, and runc is named
// in there; those of runc's type are runc's.
func (f *Facts) readNode() (node *hooks.Config, runc string) {
	r, _ := f.runtime()
	path, own := f.Options.NodeConfig, r.Type == hooks.RuntimeType && len(r.Options) > 0
	if own {
		path = cmp.Or(path, configPath(r.Options))
	}
	d := &f.NodeConfig
	if own && path == "" {
		d.Path = fmt.Sprintf("the options of runtime %q in %s", f.RuntimeName, f.CRI.Path)
		d.Exists = true
		node, d.Err = parseOptions(r.Options, d.Path)
	} else {
		d.ConfigFile = hooks.LocateConfig(path, f.env(hooks.ConfigEnv))
		node, d.Exists, d.Err = d.Load()
	}
	if d.Err != nil {
		node = hooks.DefaultConfig()
	}
	if own {
		return node, node.Runc.BinaryName
	}
	return node, r.BinaryName()
}

// configPath is the file that options name; empty: they name none. containerd
// compares keys without regard to case.
func configPath(options map[string]any) string {
	for key, value := range options {
		if strings.EqualFold(key, "ConfigPath") {
			path, _ := value.(string)
			return path
		}
	}
	return ""
}

// parseOptions reads options that are the configuration itself.
func parseOptions(options map[string]any, source string) (*hooks.Config, error) {
	data, err := toml.Marshal(options)
	if err != nil {
		return nil, err
	}
	return hooks.ParseConfig(data, source)
}

func configurationValid(f *Facts) Result {
	d := f.NodeConfig
	switch {
	case d.Err != nil:
		return fail("fix "+d.Path+": until then containers with a hook annotation cannot be created", "%v", d.Err)
	case !d.Exists:
		return pass("no %s, the defaults hold", d.Path)
	}
	return pass("%s is valid", d.Path)
}

// writable tells why this process could not write into dir, and the mode of
// dir, 0 where it is still to be made.
func writable(dir string) (fs.FileMode, error) {
	if err := install.Writable(dir); err != nil {
		return 0, err
	}
	if st, err := os.Stat(dir); err == nil {
		return st.Mode().Perm(), nil
	}
	return 0, nil
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
