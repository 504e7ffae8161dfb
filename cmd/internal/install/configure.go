package install

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"bookend.dev/bookend/cmd/internal/criconfig"
)

// configure plans the drop-in, and what makes containerd read it.
func (p *Plan) configure(ctx context.Context) error {
	cfg, err := criconfig.Read(ctx, p.opts.ContainerdConfig)
	if err != nil {
		return err
	}
	file, imported := p.dropInFile(cfg)
	if there, err := p.inOtherFiles(cfg, file); there || err != nil {
		return err
	}
	if cfg.CRIDisabled {
		p.note("containerd's CRI plugin is disabled in %s: the runtime will serve ctr, nerdctl and Docker only", cfg.Path)
	}
	table, err := criconfig.Table(cfg.DropInVersion(), p.opts.RuntimeName, p.runtime(cfg))
	if err != nil {
		return err
	}
	if p.opts.OldContainerd(cfg.Version) {
		p.Todo = "This containerd may be older than 2.0, where a drop-in replaces the runtimes of the main file.\n" +
			"Add to " + cfg.Path + ":\n\n" + string(table)
		return nil
	}
	if err := p.dropIn(cfg, file, table); err != nil {
		return err
	}
	if imported {
		return nil
	}
	return p.editMain(cfg, file)
}

// dropInFile is the drop-in of an earlier installation, as long as containerd
// reads it, else the place for a new one.
func (p *Plan) dropInFile(cfg *criconfig.Config) (file string, imported bool) {
	for _, c := range p.state.Changed {
		if c.Ours && cfg.Reads(c.Path) {
			return c.Path, true
		}
	}
	return cfg.DropIn()
}

// runtime is bookend's, with the options of the node's runc runtime. Where these
// may not be those that the node needs, a note says so.
func (p *Plan) runtime(cfg *criconfig.Config) criconfig.Runtime {
	name, runc := cfg.Runc()
	usual := cfg.Runtimes[cfg.DefaultRuntime]
	switch taken := len(runc.OptionNames()) > 0; {
	case name == cfg.DefaultRuntime || len(usual.OptionNames()) == 0:
	case !usual.IsRunc() && !taken:
		p.note("runtime %q has no options of runc's, such as SystemdCgroup: no runc runtime in %s has any, "+
			"and those of the default runtime %q, of type %s, are not runc's. If this node needs some, add them there to a runtime \"runc\", and run this again",
			p.opts.RuntimeName, cfg.Path, cfg.DefaultRuntime, usual.Type)
	case usual.IsRunc() && (!taken || usual.SystemdCgroup() != runc.SystemdCgroup()):
		p.note("the options of runtime %q were taken (%s), which are not those of the default runtime %q (%s): "+
			"if bookend's pods are to run as in that one, give %q the same in %s, and run this again",
			name, options(runc), cfg.DefaultRuntime, options(usual), name, cfg.Path)
	}
	return runc.Bookend(p.opts.shimPath())
}

// options are the names of those that a runtime has.
func options(r criconfig.Runtime) string {
	return cmp.Or(strings.Join(r.OptionNames(), ", "), "none")
}

// dropIn plans bookend's own file.
func (p *Plan) dropIn(cfg *criconfig.Config, file string, table []byte) error {
	before, err := readEntry(file)
	if err != nil {
		return err
	}
	if before != nil && p.state.find(file) == nil {
		if err := p.adoptDropIn(file, before); err != nil {
			return err
		}
	}
	known := p.state.find(file)
	if before != nil && !known.wrote(before) && !before.same(known.Original) {
		p.note("%s has been changed since it was installed, and is left as it is", file)
		return nil
	}
	if err := p.rename(before); err != nil {
		return err
	}
	p.makeDir(filepath.Dir(file))
	after := newFile(dropInText(cfg, table), configMode)
	p.Restart = p.Restart || !before.same(after.saved())
	p.change(file, before, after, changed{Ours: true})
	return nil
}

// rename refuses to give the runtime of our drop-in another name under its pods,
// which containerd could not serve any more.
func (p *Plan) rename(before *Entry) error {
	if before == nil {
		return nil
	}
	names, err := criconfig.Names(before.Data)
	if err != nil || len(names) != 1 || names[0] == p.opts.RuntimeName {
		return err
	}
	if err := p.inUse(); err != nil {
		return fmt.Errorf("runtime %q cannot be renamed to %q: %w", names[0], p.opts.RuntimeName, err)
	}
	return nil
}

// configMode is that of files of containerd's configuration: readable by all.
const configMode = 0o644

// dropInText is bookend's file among containerd's drop-ins.
func dropInText(cfg *criconfig.Config, table []byte) []byte {
	return fmt.Appendf(nil, dropInHead+", from the runc runtime of %s.\nversion = %d\n\n%s", cfg.Path, cfg.DropInVersion(), table)
}

// dropInHead is what the text of every drop-in of bookend's begins with.
const dropInHead = "# Written by bookend install"
