package criconfig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	srvconfig "github.com/containerd/containerd/v2/cmd/containerd/server/config"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"

	"bookend.dev/bookend/cmd/internal/program"
)

// Names of the plugin that has the runtimes, by version of the configuration.
const (
	pluginV3 = "io.containerd.cri.v1.runtime" // 3 and 4
	pluginV2 = "io.containerd.grpc.v1.cri"
)

// Config is what containerd's configuration says, its imports included.
type Config struct {
	Path    string
	Exists  bool     // the main file is there
	Version int      // of the main file; 0 where it says none
	Imports []string // of the main file alone, as written
	// Runtimes are those of the CRI plugin, by the name that a RuntimeClass
	// calls its handler. Defaults that no file spells out are not among them.
	Runtimes map[string]Runtime
	// DefaultRuntime is the name of the CRI plugin's default; "runc" where no
	// file says another.
	DefaultRuntime string
	CRIDisabled    bool

	files []source // in the order in which containerd merges them
}

// Merging is how a containerd makes one configuration of its files.
type Merging int

const (
	// EachFirst brings each file to the newest version, then merges. Since 2.3.
	EachFirst Merging = iota
	// LastForAll merges, and reads the result by the version of the file that was
	// merged last. Before 2.3.
	LastForAll
)

// MergingOf is that of a version of containerd, the newest's where it is not known.
func MergingOf(v program.Version) Merging {
	if v.Text != "" && v.Older(2, 3) {
		return LastForAll
	}
	return EachFirst
}

// Read reads the configuration whose main file is path. That the file does not
// exist is no error: containerd runs with its defaults then.
func Read(ctx context.Context, path string, merging Merging) (*Config, error) {
	c := &Config{Path: path, Runtimes: map[string]Runtime{}, DefaultRuntime: RuncName}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	c.Exists = true
	if c.files, err = sources(path); err != nil {
		return nil, err
	}
	c.Version, c.Imports = c.files[0].Version, c.files[0].Imports
	// What containerd would log is not for our output.
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	merged := srvconfig.Config{Version: MaxVersion}
	if err := srvconfig.LoadConfigWithPlugins(log.WithLogger(ctx, logrus.NewEntry(quiet)), path, c.migrations(merging), &merged); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.CRIDisabled = slices.ContainsFunc(merged.DisabledPlugins, isCRI)
	if err := c.readPlugin(merged.Plugins[pluginV3]); err != nil {
		return nil, fmt.Errorf("%s: plugins.%q: %w", path, pluginV3, err)
	}
	return c, nil
}

func (c *Config) readPlugin(section any) error {
	containerd, err := table(section, "containerd")
	if err != nil || containerd == nil {
		return err
	}
	if name, ok := containerd["default_runtime_name"].(string); ok && name != "" {
		c.DefaultRuntime = name
	}
	runtimes, err := table(containerd, "runtimes")
	if err != nil {
		return err
	}
	for name := range runtimes {
		t, err := table(runtimes, name)
		if err != nil {
			return err
		}
		r, err := newRuntime(t)
		if err != nil {
			return fmt.Errorf("containerd.runtimes.%s: %w", name, err)
		}
		if _, said := t["runtime_type"]; name == RuncName && !said {
			r.Type = RuncType // containerd's default has a runtime of this name, and no other
		}
		c.Runtimes[name] = r
	}
	return nil
}

// table returns the table key of section; nil where there is none.
func table(section any, key string) (map[string]any, error) {
	s, _ := section.(map[string]any)
	switch v := s[key].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	default:
		return nil, fmt.Errorf("%s: must be a table, got %T", key, v)
	}
}

// isCRI tells whether a disabled plugin is one that pods need.
func isCRI(plugin string) bool {
	return slices.Contains([]string{pluginV2, pluginV3}, plugin)
}
