package install

import (
	"bytes"
	"path/filepath"
	"slices"

	"bookend.dev/bookend/cmd/internal/criconfig"
)

// place is where the runtime goes: into a drop-in of our own, or into a block at the
// end of a file that is not.
type place struct {
	file     string
	imported bool // containerd reads the drop-in
	block    bool
	head     string // what a new file with a block begins with
	// shown is the file of containerd's in which the runtime appears; sources are
	// those that another program makes it of, nil where it is our file itself.
	shown   string
	sources []string
}

// place decides where the runtime goes. It stays where an earlier installation
// put it, as long as that is read.
func (p *Plan) place(cfg *criconfig.Config) (place, error) {
	preset, old := p.opts.Preset, p.opts.OldContainerd(cfg.Version)
	template := preset.Template(cfg.Path, cfg.Version)
	rendered := place{file: template, block: true, head: preset.Base, shown: cfg.Path, sources: []string{template}}
	main := place{file: cfg.Path, block: true, head: "version = 2\n", shown: cfg.Path}
	for _, c := range p.state.Changed {
		switch {
		case !c.Ours:
		case c.block() && c.Path == template:
			return rendered, nil
		case c.block() && c.Path == cfg.Path && cfg.Exists && (old || written(&c)):
			return main, nil
		case c.Edit == nil && cfg.Reads(c.Path):
			return place{file: c.Path, imported: true, shown: c.Path}, nil
		}
	}
	if made := preset.Templates != nil || preset.DropIns != ""; made && !cfg.Exists {
		return rendered, nil // of what version, the distribution has to say first
	}
	own := place{}
	own.file, own.imported = cfg.DropIn()
	own.shown = own.file
	merged, err := p.merged(cfg)
	switch {
	case err != nil:
		return place{}, err
	case own.imported && !old:
		return own, nil
	case merged.file != "":
		return merged, nil
	case template != "":
		return rendered, nil
	case old:
		return main, nil
	}
	return own, nil
}

// written tells whether what an installation wrote into a file is still there, as
// it was or changed: a file of a newer containerd may have taken its place.
func written(c *changed) bool {
	now, err := readEntry(c.Path)
	return err != nil || now != nil && bytes.Contains(now.Data, []byte(dropInHead))
}

// merged is a drop-in that the distribution merges itself; one without a file:
// it does not on this node.
func (p *Plan) merged(cfg *criconfig.Config) (place, error) {
	dir := p.opts.Preset.DropInDir(cfg.Path)
	if dir == "" {
		return place{}, nil
	}
	if managed, err := cfg.HasLine(p.opts.Preset.Managed); err != nil || !managed {
		return place{}, err
	}
	sources, err := filepath.Glob(filepath.Join(dir, "*.toml"))
	file := filepath.Join(dir, criconfig.DropInName)
	return place{file: file, imported: true, shown: p.opts.Preset.Merged, sources: append(sources, file)}, err
}

// definers are the files that say something of the runtime and that are not
// rendered: those that people and programs write.
func (p *Plan) definers(cfg *criconfig.Config, pl place) ([]string, error) {
	definers := cfg.Definers(p.opts.RuntimeName)
	if pl.sources == nil {
		return definers, nil
	}
	definers = slices.DeleteFunc(definers, func(f string) bool { return f == pl.shown })
	for _, source := range pl.sources {
		says, err := criconfig.Says(source, p.opts.RuntimeName)
		if err != nil {
			return nil, err
		}
		if says && !slices.Contains(definers, source) {
			definers = append(definers, source)
		}
	}
	return definers, nil
}

// addBlock plans a block with the runtime at the end of a file, or a new file with
// it.
func (p *Plan) addBlock(cfg *criconfig.Config, pl place, table []byte) error {
	before, err := readEntry(pl.file)
	if err != nil {
		return err
	}
	text, written, verb := []byte(pl.head), "", "add"
	if before != nil {
		text = before.Data
	}
	if known := p.state.find(pl.file); before != nil && known != nil && known.Edit != nil {
		base, there, err := known.without(before)
		if err != nil {
			return err
		}
		if !there && bytes.Contains(before.Data, []byte(dropInHead)) {
			p.note("what bookend wrote into %s has been changed since, and is left as it is", pl.file)
			return nil
		}
		if there {
			text, written, verb = base, known.Edit.New, "put in the place of bookend's block"
		}
		_, ours, _ := bytes.Cut(before.Data, []byte(dropInHead))
		if err := p.rename(ours); err != nil {
			return err
		}
	}
	if others, err := criconfig.Names(text); pl.sources == nil && err == nil && len(others) == 0 {
		table = withRunc(table)
	}
	if p.Todo, err = p.blockByHand(cfg, pl, before, table); err != nil || p.Todo != "" {
		return err
	}
	out, edit, err := criconfig.AddBlock(text, slices.Concat([]byte("\n"+dropInHead+", from the runc runtime of "+cfg.Path+".\n"), table))
	if written != "" && edit.New == written && bytes.Contains(before.Data, []byte(written)) {
		out = before.Data // it stays where it is, whatever others have written after it
	}
	switch {
	case err != nil:
		p.Todo = "Nothing can be added to " + pl.file + " by machine (" + err.Error() + "). Add to it:\n\n" + string(table)
	case !p.opts.EditConfig && before != nil && !bytes.Equal(out, before.Data):
		p.Todo = "The runtime has to be in " + pl.file + ": " + p.whyBlock(cfg, pl) +
			".\nRun this again with --edit-config, or " + verb + ":\n\n" + string(table)
	default:
		p.changeBlock(pl.file, before, out, edit)
	}
	return nil
}

// whyBlock says why the runtime is not in a drop-in.
func (p *Plan) whyBlock(cfg *criconfig.Config, pl place) string {
	if pl.sources != nil {
		return p.opts.Preset.Name + " makes " + cfg.Path + " of " + pl.file
	}
	return "before containerd 2.0 a drop-in would replace the runtimes of " + cfg.Path
}

// changeBlock plans a file with a block of ours. What stood there before the first
// one stays known, whatever others have written since.
func (p *Plan) changeBlock(file string, before *Entry, text []byte, edit criconfig.Edit) {
	after := newFile(text, configMode)
	if before != nil {
		after = before.file(text)
	}
	note := changed{Edit: &edit, Ours: true}
	var first *meta
	if known := p.state.find(file); known != nil {
		first, note.PreviousEdit = known.Original, known.Edit
	}
	same := before.same(after.saved())
	if same {
		note.PreviousEdit = nil
	}
	p.Restart = p.Restart || !same
	p.makeDir(filepath.Dir(file))
	p.change(file, before, after, note)
	if known := p.state.find(file); first != nil && known != nil {
		known.Original = first
	}
}

// withRunc is the table with that of runc after it: a containerd before 2.0 has
// no such runtime by default any more once a file names another one.
func withRunc(table []byte) []byte {
	runc, _ := criconfig.Table(2, criconfig.RuncName, criconfig.Runtime{Type: criconfig.RuncType})
	return slices.Concat(table, []byte("\n"), runc)
}

// blockByHand says why a person has to write the block, and where; empty: it can be
// done here.
func (p *Plan) blockByHand(cfg *criconfig.Config, pl place, before *Entry, table []byte) (string, error) {
	add := ":\n\n" + string(table)
	switch replacers := cfg.Replacers(); {
	case pl.sources != nil && !cfg.Exists:
		p.Then = "Start " + p.opts.Preset.Name + " once, and run this again."
		return cfg.Path + " is not there yet, which " + p.opts.Preset.Name + " makes, and which tells how.\n", nil
	case pl.sources == nil && len(replacers) > 0:
		last := replacers[len(replacers)-1]
		return "This containerd may be older than 2.0, where " + last + " replaces the runtimes of " + cfg.Path + ".\nAdd to " + last + add, nil
	case before == nil:
		return "", nil
	case pl.sources == nil && cfg.Version != 2:
		return cfg.Path + " is not of version 2, which this containerd, perhaps older than 2.0, needs for what follows.\n" +
			"Put version = 2 at its top, give its plugins the names of that version, and add" + add, nil
	case before.Link != "":
		return pl.file + " is a symbolic link, and is left alone. Add to the file it leads to" + add, nil
	}
	if generated, err := cfg.Generated(); err != nil {
		return "", err
	} else if generated && pl.file == cfg.Path {
		return cfg.Path + " says of itself that it is not to be edited: another program writes it.\nLet that program add" + add, nil
	}
	return "", nil
}
