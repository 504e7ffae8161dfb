package criconfig

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// DropInName is the name of bookend's file in a directory of drop-ins.
const DropInName = "bookend.toml"

// DropIn is where a drop-in of ours is read: in conf.d beside the main file or,
// where its imports do not cover that, in the first directory that they do. If
// they cover none it is the file in conf.d, and imported is false.
func (c *Config) DropIn() (file string, imported bool) {
	own := filepath.Join(filepath.Dir(c.Path), "conf.d", DropInName)
	files := []string{own}
	for _, pattern := range resolve(c.Path, c.Imports) {
		if strings.Contains(filepath.Base(pattern), "*") && !strings.Contains(filepath.Dir(pattern), "*") {
			files = append(files, filepath.Join(filepath.Dir(pattern), DropInName))
		}
	}
	for _, file := range files {
		if c.imports(file) {
			return file, true
		}
	}
	return own, false
}

// ImportPattern is the line of imports that covers conf.d.
func (c *Config) ImportPattern() string {
	return filepath.Join(filepath.Dir(c.Path), "conf.d", "*.toml")
}

// Dormant are the files beside our drop-in that an import of that directory would
// make containerd read: it does not so far.
func (c *Config) Dormant(ours string) ([]string, error) {
	files, err := filepath.Glob(c.ImportPattern())
	return slices.DeleteFunc(files, func(f string) bool { return f == ours || c.Reads(f) }), err
}

func (c *Config) imports(file string) bool {
	return slices.ContainsFunc(resolve(c.Path, c.Imports), func(pattern string) bool {
		ok, err := filepath.Match(pattern, file)
		return ok && err == nil
	})
}

// DropInVersion is the version of configuration that a drop-in has to be
// written in: that of the file that containerd merges last, of those that say one.
// Up to 2.2 that one holds for all files, so that another version would change what
// the others say. Files that say none, or that do not exist, are migrated by every
// containerd that can import drop-ins at all, and 3 is what the oldest of these
// reads.
func (c *Config) DropInVersion() int {
	for _, s := range slices.Backward(c.files) {
		if s.Version >= 2 && s.Version <= MaxVersion {
			return s.Version
		}
	}
	return 3
}

// MaxVersion is the newest version of configuration that is known here.
const MaxVersion = 4

// Table renders a runtime as it stands in a configuration file. Settings with
// an empty value, which mean the default, are left out.
func Table(version int, name string, r Runtime) ([]byte, error) {
	settings := NotEmpty(r.Other)
	settings["runtime_type"], settings["runtime_path"] = r.Type, r.Path
	settings[PodList], settings[ContainerList] = r.PodAnnotations, r.ContainerAnnotations
	if options := NotEmpty(r.Options); len(options) > 0 {
		settings["options"] = options
	}
	plugin := pluginV3
	if version == 2 {
		plugin = pluginV2
	}
	path := []string{"plugins", plugin, "containerd", "runtimes", name}
	var doc any = NotEmpty(settings)
	for _, key := range slices.Backward(path) {
		doc = map[string]any{key: doc}
	}
	text, err := toml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("runtime %q: %w", name, err)
	}
	// Of the tables around it there are heads alone, which may be left out.
	heads := len(path) - 1
	return bytes.SplitAfterN(text, []byte("\n"), heads+1)[heads], nil
}

// NotEmpty is m without settings that are empty, which mean the default.
func NotEmpty(m map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range m {
		switch rv := reflect.ValueOf(v); {
		case !rv.IsValid(), rv.IsZero():
		case (rv.Kind() == reflect.Map || rv.Kind() == reflect.Slice) && rv.Len() == 0:
		default:
			out[name] = v
		}
	}
	return out
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// list renders a list of strings.
func list(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
