package distribution

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"bookend.dev/bookend/cmd/internal/criconfig"
)

// Found is a distribution that a node is of.
type Found struct {
	Preset
	By string // the file that told
}

// Detect returns all that the node is of whose root directory is root.
func Detect(ctx context.Context, root string) []Found {
	var found []Found
	for _, p := range Presets() {
		if slices.ContainsFunc(found, func(f Found) bool { return f.Config == p.Config }) {
			continue
		}
		if by := p.recognise(ctx, root); by != "" {
			found = append(found, Found{p, by})
		}
	}
	return found
}

// recognise returns the file that tells that a node is of this distribution;
// empty: none does.
func (p Preset) recognise(ctx context.Context, root string) string {
	if p.OS != "" {
		for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
			if data, err := os.ReadFile(filepath.Join(root, name)); err == nil {
				if m := osID.FindSubmatch(data); m != nil && string(m[1]) == p.OS {
					return name
				}
			}
		}
	}
	for _, mark := range p.Marks {
		if _, err := os.Stat(filepath.Join(root, mark)); err == nil && (!p.CRIDisabled || p.disablesCRI(ctx, root)) {
			return mark
		}
	}
	return ""
}

var osID = regexp.MustCompile(`(?m)^ID=["']?([a-z0-9._-]+)["']?[ \t]*$`)

func (p Preset) disablesCRI(ctx context.Context, root string) bool {
	cfg, err := criconfig.Read(ctx, filepath.Join(root, p.Config), criconfig.EachFirst)
	return err == nil && cfg.CRIDisabled
}

// Of is the distribution of a main file: the one that keeps it there and, where
// several do or its os-release has to tell it, the one that the node is of; plain
// containerd for any other file.
func Of(ctx context.Context, root, main string) Preset {
	var of []Preset
	for _, p := range Presets() {
		if same(root, p.Config, main) {
			of = append(of, p)
		}
	}
	for _, p := range of {
		if len(of) == 1 && p.OS == "" || p.recognise(ctx, root) != "" {
			return p
		}
	}
	p, _ := Named(Plain)
	return p
}

// same tells whether two paths lead to the same file: a snap and /var/run have
// several.
func same(root, a, b string) bool {
	return real(filepath.Join(root, a)) == real(b)
}

func real(path string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, filepath.Base(path))
}

// Named returns the preset of a name.
func Named(name string) (Preset, bool) {
	all := Presets()
	i := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return all[i], true
}

// Names are those of all presets.
func Names() []string {
	var names []string
	for _, p := range Presets() {
		names = append(names, p.Name)
	}
	return names
}
