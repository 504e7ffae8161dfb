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
	"github.com/pelletier/go-toml/v2"
	"github.com/sirupsen/logrus"
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
}

// Read reads the configuration whose main file is path. That the file does not
// exist is no error: containerd runs with its defaults then.
func Read(ctx context.Context, path string) (*Config, error) {
	c := &Config{Path: path, Runtimes: map[string]Runtime{}, DefaultRuntime: "runc"}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	c.Exists = true
	if c.Version, c.Imports, err = head(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Older files are brought to version 2, by containerd's rules. What leads from
	// there to newer ones belongs to plugins, so sections keep the names that their
	// files give them. What containerd would log is not for our output.
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	merged := srvconfig.Config{Version: 2}
	if err := srvconfig.LoadConfig(log.WithLogger(ctx, logrus.NewEntry(quiet)), path, &merged); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.CRIDisabled = slices.ContainsFunc(merged.DisabledPlugins, isCRI)
	for _, plugin := range []string{pluginV2, pluginV3} {
		if err := c.readPlugin(merged.Plugins[plugin]); err != nil {
			return nil, fmt.Errorf("%s: plugins.%q: %w", path, plugin, err)
		}
	}
	return c, nil
}

// head reads what only the main file itself can tell.
func head(data []byte) (version int, imports []string, err error) {
	var file struct {
		Version int
		Imports []string
	}
	err = toml.Unmarshal(data, &file)
	if where := (*toml.DecodeError)(nil); errors.As(err, &where) {
		line, _ := where.Position()
		err = fmt.Errorf("line %d: %w", line, err)
	}
	return file.Version, file.Imports, err
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
		if c.Runtimes[name], err = newRuntime(t); err != nil {
			return fmt.Errorf("containerd.runtimes.%s: %w", name, err)
		}
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
