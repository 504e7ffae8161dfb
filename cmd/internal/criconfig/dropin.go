package criconfig

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// dropInName is the name of bookend's file in a directory of drop-ins.
const dropInName = "bookend.toml"

// DropIn is where a drop-in of ours is read: in conf.d beside the main file or,
// where its imports do not cover that, in the first directory that they do. If
// they cover none it is the file in conf.d, and imported is false.
func (c *Config) DropIn() (file string, imported bool) {
	own := filepath.Join(filepath.Dir(c.Path), "conf.d", dropInName)
	files := []string{own}
	for _, pattern := range resolve(c.Path, c.Imports) {
		if strings.Contains(filepath.Base(pattern), "*") && !strings.Contains(filepath.Dir(pattern), "*") {
			files = append(files, filepath.Join(filepath.Dir(pattern), dropInName))
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
// wake up: containerd does not read them so far.
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
// written in: that of the main file, so that both name plugins alike. A main
// file that says none, or that does not exist, is migrated by every containerd
// that can import drop-ins at all, and 3 is what the oldest of these reads.
func (c *Config) DropInVersion() int {
	if c.Version >= 2 && c.Version <= 4 {
		return c.Version
	}
	return 3
}

// MaxVersion is the newest version of configuration that is known here.
const MaxVersion = 4

// Table renders a runtime as it stands in a configuration file. Settings with
// an empty value, which mean the default, are left out.
func Table(version int, name string, r Runtime) ([]byte, error) {
	plugin := pluginV3
	if version == 2 {
		plugin = pluginV2
	}
	head := fmt.Sprintf("plugins.'%s'.containerd.runtimes.%s", plugin, key(name))
	var b bytes.Buffer
	fmt.Fprintf(&b, "[%s]\n", head)
	fmt.Fprintf(&b, "  runtime_type = %s\n  runtime_path = %s\n", str(r.Type), str(r.Path))
	fmt.Fprintf(&b, "  pod_annotations = %s\n  container_annotations = %s\n", list(r.PodAnnotations), list(r.ContainerAnnotations))
	if err := settings(&b, head, "  ", r.Other); err != nil {
		return nil, err
	}
	if opts := NotEmpty(r.Options); len(opts) > 0 {
		fmt.Fprintf(&b, "\n  [%s.options]\n", head)
		if err := settings(&b, head+".options", "    ", opts); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// settings renders what is not empty of m, plain values before tables.
func settings(b *bytes.Buffer, head, indent string, m map[string]any) error {
	m = NotEmpty(m)
	for _, name := range sortedKeys(m) {
		if _, isTable := m[name].(map[string]any); isTable {
			continue
		}
		line, err := toml.Marshal(map[string]any{name: m[name]})
		if err != nil {
			return fmt.Errorf("%s.%s: %w", head, name, err)
		}
		for l := range strings.Lines(strings.TrimSuffix(string(line), "\n")) {
			b.WriteString(indent + l)
		}
		b.WriteByte('\n')
	}
	for _, name := range sortedKeys(m) {
		if sub, isTable := m[name].(map[string]any); isTable {
			fmt.Fprintf(b, "\n%s[%s.%s]\n", indent, head, key(name))
			if err := settings(b, head+"."+key(name), indent+"  ", sub); err != nil {
				return err
			}
		}
	}
	return nil
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

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// key renders a name as a key, bare where TOML allows that.
func key(name string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if name != "" && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	return str(name)
}

func list(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = str(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// str renders a basic string of TOML.
func str(s string) string {
	out, err := toml.Marshal(map[string]string{"x": s})
	if err != nil { // not UTF-8: the file that it came from cannot have been TOML
		return fmt.Sprintf("%q", s)
	}
	lit := strings.TrimSuffix(strings.TrimPrefix(string(out), "x = "), "\n")
	if inner := strings.Trim(lit, "'"); strings.HasPrefix(lit, "'") && !strings.ContainsAny(inner, `"\`) {
		return `"` + inner + `"`
	}
	return lit
}
