package distribution

import (
	"os"
	"path/filepath"
)

// How the runtime gets into the configuration of a distribution's containerd.
type How int

const (
	// InFiles is containerd's own way: a drop-in where the imports of the main file
	// cover one, else the main file, or the files that it is made of.
	InFiles How = iota
	// InNodeConfig says that the main file is written at boot, from an object that is not on
	// the node.
	InNodeConfig
	// ByType says that no entry is needed: clients name the runtime's type.
	ByType
	// ReadOnly says that nothing can be installed on a node that runs.
	ReadOnly
)

// Preset is what is known of one distribution. Names of files without a leading
// slash are beside the main file.
type Preset struct {
	Name string
	How  How

	// Marks are files of which one tells that a node is of this distribution.
	Marks []string
	// OS is the ID in os-release that tells it as well.
	OS string
	// CRIDisabled says that a mark tells nothing unless the main file disables the
	// CRI plugin.
	CRIDisabled bool

	Config string // containerd's main file
	Socket string // containerd's
	// Units are those of systemd that run containerd, one of them on a node; to
	// restart it makes containerd read its files again.
	Units []string
	// Programs are directories on containerd's PATH that are not on other PATHs.
	Programs []string

	// Templates are the files that the main file is rendered from at each start, by
	// the version of configuration of what is rendered.
	Templates map[int]string
	// Base is what a new template has to begin with; empty: the distribution
	// brings one.
	Base string

	// DropIns is a directory whose files the distribution merges itself, into the
	// file Merged, which the main file imports.
	DropIns, Merged string
	// Managed is the line of the main file without which it is the user's own, and
	// DropIns are not read.
	Managed string

	// Advice is what a person has to do instead, or to know.
	Advice string
}

// Template is the file that a main file of a version is rendered from; empty:
// none.
func (p Preset) Template(main string, version int) string {
	if name := p.Templates[version]; name != "" {
		return beside(main, name)
	}
	return ""
}

// DropInDir is the directory of drop-ins that the distribution merges; empty:
// there is none.
func (p Preset) DropInDir(main string) string {
	if p.DropIns == "" {
		return ""
	}
	return beside(main, p.DropIns)
}

// Unit is the unit that runs containerd on the node whose root directory is root;
// empty: none does.
func (p Preset) Unit(root string) string {
	for _, unit := range p.Units {
		for _, dir := range []string{"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"} {
			if _, err := os.Stat(filepath.Join(root, dir, unit+".service")); err == nil {
				return unit
			}
		}
	}
	if len(p.Units) > 0 {
		return p.Units[0]
	}
	return ""
}

// At is the preset of a node whose root directory is root.
func (p Preset) At(root string) Preset {
	for _, path := range []*string{&p.Config, &p.Socket, &p.Merged} {
		if *path != "" {
			*path = filepath.Join(root, *path)
		}
	}
	return p
}

func beside(main, name string) string { return filepath.Join(filepath.Dir(main), name) }
