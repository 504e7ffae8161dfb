package doctor

import (
	"path/filepath"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/distribution"
)

func distributionKnown(f *Facts) Result {
	d := f.Distribution
	switch {
	case f.Several != nil:
		return warn("bookend doctor --distribution NAME", "%v", f.Several)
	case d.How == distribution.ReadOnly:
		return warn(d.Advice, "%s cannot be changed while it runs", d.Name)
	case f.DistributionNamed:
		return pass("%s, which was named, main file %s", d.Name, f.mainConfig())
	case f.Found != "":
		return pass("%s, %s, main file %s", d.Name, f.Found, f.mainConfig())
	}
	return pass("%s, main file %s", d.Name, f.mainConfig())
}

// written looks for the runtime in the files that the main file is made of.
func (f *Facts) written() string {
	var sources []string
	if template := f.Distribution.Template(f.mainConfig(), f.CRI.Version); template != "" {
		sources = append(sources, template)
	}
	if dir := f.Distribution.DropInDir(f.mainConfig()); dir != "" {
		files, _ := filepath.Glob(filepath.Join(dir, "*.toml"))
		sources = append(sources, files...)
	}
	for _, source := range sources {
		if says, err := criconfig.Says(source, f.RuntimeName); err == nil && says {
			return source
		}
	}
	return ""
}
