package criconfig

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/plugin"
	"github.com/pelletier/go-toml/v2"
)

// source is one of the files that a configuration is made of.
type source struct {
	Path    string
	Version int      // 0 where it says none
	Imports []string // as written
	// Runtimes are those that the file says something of, by name.
	Runtimes map[string]any
	CRI      bool // the file has a section of the CRI plugin's, under its old name
}

// sources reads the main file and what it imports, in the order in which
// containerd merges them: where two say something of a setting, the later one's
// holds.
func sources(main string) ([]source, error) {
	var out []source
	for pending := []string{main}; len(pending) > 0; {
		path := pending[0]
		pending = pending[1:]
		if slices.ContainsFunc(out, func(s source) bool { return s.Path == path }) {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", main, err)
		}
		s, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s.Path = path
		out = append(out, s)
		for _, pattern := range resolve(path, s.Imports) {
			files := []string{pattern}
			if strings.Contains(pattern, "*") {
				if files, err = filepath.Glob(pattern); err != nil {
					return nil, fmt.Errorf("%s: imports: %q: %w", path, pattern, err)
				}
			}
			pending = append(pending, files...)
		}
	}
	return out, nil
}

// parse reads the text of one file.
func parse(data []byte) (source, error) {
	var file struct {
		Version int
		Imports []string
		Plugins map[string]any
	}
	err := toml.Unmarshal(data, &file)
	if where := (*toml.DecodeError)(nil); errors.As(err, &where) {
		line, _ := where.Position()
		err = fmt.Errorf("line %d: %w", line, err)
	}
	if err != nil {
		return source{}, err
	}
	if old, ok := file.Plugins["cri"]; ok && file.Version < 2 {
		file.Plugins[pluginV2] = old
	}
	_, cri := file.Plugins[pluginV2]
	if file.Version < MaxVersion {
		migrate(file.Plugins)
	}
	s := source{Version: file.Version, Imports: file.Imports, CRI: cri}
	// What is no table is an error where all is merged.
	containerd, _ := table(file.Plugins[pluginV3], "containerd")
	s.Runtimes, _ = table(containerd, "runtimes")
	return s, nil
}

// Names are the runtimes that the text of one file defines.
func Names(data []byte) ([]string, error) {
	s, err := parse(data)
	return sortedKeys(s.Runtimes), err
}

// ShimPaths are the paths of shims that the text of one file names, in the order
// of their runtimes' names.
func ShimPaths(data []byte) ([]string, error) {
	s, err := parse(data)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range sortedKeys(s.Runtimes) {
		if t, err := table(s.Runtimes, name); err != nil {
			return nil, err
		} else if path, ok := t["runtime_path"].(string); ok && path != "" {
			out = append(out, path)
		}
	}
	return out, nil
}

// ImportsByName tells whether the text of a main file imports another by its name, and
// not by a pattern: containerd does not start without one that is named.
func ImportsByName(text []byte, main, file string) (bool, error) {
	s, err := parse(text)
	return slices.Contains(resolve(main, s.Imports), file), err
}

// Reads tells whether containerd reads a file.
func (c *Config) Reads(file string) bool {
	return slices.ContainsFunc(c.files, func(s source) bool { return s.Path == file })
}

// Definers are the files that say something of a runtime, in the order in which
// containerd reads them.
func (c *Config) Definers(name string) []string {
	var out []string
	for _, s := range c.files {
		if _, ok := s.Runtimes[name]; ok {
			out = append(out, s.Path)
		}
	}
	return out
}

// resolve makes the imports of a file absolute, as containerd does.
func resolve(file string, imports []string) []string {
	out := make([]string, len(imports))
	for i, p := range imports {
		if p = filepath.Clean(p); !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(file), p)
		}
		out[i] = p
	}
	return out
}

// migrations are what containerd lets its CRI plugin do to each file of a version
// before 4; what it does to other sections than that of the runtimes is left out.
// Where the version of the file that was merged last is all files', the old name
// says nothing if that is 3.
func (c *Config) migrations(merging Merging) func() iter.Seq[plugin.Registration] {
	oldIsDead := merging == LastForAll && c.DropInVersion() > 2
	return func() iter.Seq[plugin.Registration] {
		return slices.Values([]plugin.Registration{{
			ConfigMigration: func(_ context.Context, _ int, plugins map[string]any) error {
				if oldIsDead {
					delete(plugins, pluginV2)
				}
				migrate(plugins)
				return nil
			},
		}})
	}
}

// migrate moves the runtimes of a file from the plugin's old name to its new one.
// Where both names have them, the new one's hold, and they alone.
func migrate(plugins map[string]any) {
	old, err := table(plugins[pluginV2], "containerd")
	if err != nil || old == nil {
		return
	}
	section, ok := plugins[pluginV3].(map[string]any)
	if !ok {
		section = map[string]any{}
	}
	containerd, ok := section["containerd"].(map[string]any)
	if !ok {
		containerd = map[string]any{}
	}
	for key, value := range old {
		if _, there := containerd[key]; !there {
			containerd[key] = value
		}
	}
	section["containerd"] = containerd
	plugins[pluginV3] = section
}
