package install

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/hooks"
)

// owner is the installation that a drop-in is from.
type owner struct {
	bin string // the directory of its links
	lib string // that of its binaries; empty: its shim is gone
}

// ownerOf tells which installation has written the text of a drop-in; false:
// none has.
func ownerOf(text []byte) (owner, bool) {
	if !bytes.HasPrefix(text, []byte(dropInHead)) {
		return owner{}, false
	}
	paths, err := criconfig.ShimPaths(text)
	if err != nil || len(paths) == 0 {
		return owner{}, false
	}
	o := owner{bin: filepath.Dir(paths[0])}
	target, err := os.Readlink(paths[0])
	if !filepath.IsAbs(target) {
		target = filepath.Join(o.bin, target)
	}
	if err == nil && exists(target) {
		o.lib = LibDirOf(target)
	}
	return o, true
}

// err refuses to touch what is of another installation.
func (o owner) err(file string) error {
	if o.lib == "" {
		return fmt.Errorf("%s %w, in %s, whose shim is gone: remove the file", file, ErrElsewhere, o.bin)
	}
	return fmt.Errorf("%s %w: name that one's directories (--bin-dir %s --lib-dir %s), or uninstall it first", file, ErrElsewhere, o.bin, o.lib)
}

// adoptDropIn is about a file where our drop-in is to be that is not known to be
// ours. One that an installation in the same place has left is, even though the
// state of that is gone.
func (p *Plan) adoptDropIn(file string, there *Entry) error {
	o, ok := ownerOf(there.Data)
	switch {
	case !ok:
		return fmt.Errorf("%s: %w: move it away, or install with --binaries-only", file, ErrForeign)
	case o.bin != p.opts.BinDir || o.lib != "" && o.lib != p.opts.LibDir:
		return o.err(file)
	}
	p.note("%s is from an installation here whose state is gone, and is taken over", file)
	p.adopt(file, there)
	return nil
}

// inOtherFiles is about a runtime of the wanted name in files that are not ours to
// change. A runtime that leads to our shim and has all that it needs is what a
// person was told to write, and there is nothing to add; any other is refused.
func (p *Plan) inOtherFiles(cfg *criconfig.Config, pl place) (there bool, err error) {
	definers, err := p.definers(cfg, pl)
	if err != nil {
		return false, err
	}
	if !pl.block && slices.Contains(definers, pl.file) {
		if err := p.leftOver(pl.file); err != nil {
			return false, err
		}
	}
	known := p.state.find(pl.file) != nil
	ours := known && slices.Contains(definers, pl.file)
	others := slices.DeleteFunc(definers, func(f string) bool { return known && f == pl.file })
	if len(others) == 0 {
		return false, nil
	}
	r := cfg.Runtimes[p.opts.RuntimeName]
	where := strings.Join(others, ", ")
	wrong := p.wrong(r)
	switch {
	case wrong == "" && ours:
		p.note("runtime %q is in %s as well, and stays there when bookend is uninstalled", p.opts.RuntimeName, where)
		return false, nil
	case wrong == "":
		return true, nil
	}
	for _, other := range others {
		if data, err := os.ReadFile(other); err != nil {
			return false, err
		} else if o, ok := ownerOf(data); ok {
			return false, p.configured(o.err(other))
		}
	}
	return false, fmt.Errorf("runtime %q %w, in %s, where %s: remove it there, choose another --runtime-name, or install with --binaries-only",
		p.opts.RuntimeName, ErrConfigured, where, wrong)
}

// leftOver takes our drop-in over where the state of its installation is gone.
// One that a person has written is not touched.
func (p *Plan) leftOver(file string) error {
	there, err := readEntry(file)
	if err != nil || p.state.find(file) != nil {
		return err
	}
	if _, ok := ownerOf(there.Data); !ok {
		return nil
	}
	if err := p.adoptDropIn(file, there); err != nil {
		return p.configured(err)
	}
	return nil
}

func (p *Plan) configured(err error) error {
	return fmt.Errorf("runtime %q %w: %w", p.opts.RuntimeName, ErrConfigured, err)
}

// wrong says why a runtime is not the one that this installation would write;
// empty: it does as well.
func (p *Plan) wrong(r criconfig.Runtime) string {
	switch gaps := r.Gaps(); {
	case r.Type == "":
		return "it has no runtime_type"
	case !r.IsRunc() && r.Type != hooks.RuntimeType:
		return "its runtime_type is " + r.Type
	case r.Path == "":
		return "it has no runtime_path"
	case filepath.Clean(r.Path) != p.opts.shimPath():
		return "its runtime_path is " + r.Path
	case len(gaps) > 0:
		return gaps[0].List + " lacks " + gaps[0].Pattern
	}
	return ""
}
