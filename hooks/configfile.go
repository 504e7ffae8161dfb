package hooks

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ConfigEnv is the environment variable that names the node's configuration;
// shims inherit it from containerd. ConfigPath is the file where no one names one.
const (
	ConfigEnv  = "BOOKEND_CONFIG"
	ConfigPath = "/etc/bookend/config.toml"
)

// ConfigFile is where the node's configuration is.
type ConfigFile struct {
	Path string
	// Named tells that someone named it: then it must exist.
	Named bool
}

// LocateConfig returns the file that is named, else the one that the
// environment names (the value of [ConfigEnv] there), else [ConfigPath]; empty
// strings name none.
func LocateConfig(named, environment string) ConfigFile {
	path := cmp.Or(named, environment)
	return ConfigFile{Path: cmp.Or(path, ConfigPath), Named: path != ""}
}

// Load reads the configuration. exists is false where there is no file and none
// is needed: the configuration is the default then. An error is an
// [*InvalidError], or wraps the [*fs.PathError] of a file that cannot be read.
func (f ConfigFile) Load() (cfg *Config, exists bool, err error) {
	data, err := os.ReadFile(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !f.Named:
		return DefaultConfig(), false, nil
	case err != nil:
		return nil, true, fmt.Errorf("configuration: %w", err)
	}
	cfg, err = ParseConfig(data, f.Path)
	return cfg, true, err
}
