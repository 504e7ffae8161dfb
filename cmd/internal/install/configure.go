package install

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/distribution"
)

// configure plans the runtime's entry, and what makes containerd read it.
func (p *Plan) configure(ctx context.Context) error {
	preset := p.opts.Preset
	if preset.How == distribution.ReadOnly {
		return fmt.Errorf("%w: %s", ErrReadOnly, preset.Advice)
	}
	cfg, err := criconfig.Read(ctx, p.opts.ContainerdConfig, p.opts.Merging)
	if err != nil {
		return err
	}
	if preset.How == distribution.ByType {
		p.note("%s", preset.Advice)
		return nil
	}
	pl, err := p.place(cfg)
	if err != nil {
		return err
	}
	if there, err := p.inOtherFiles(cfg, pl); there || err != nil {
		return err
	}
	if preset.How == distribution.InNodeConfig {
		if !cfg.Exists {
			p.Todo = preset.Advice + ". It has not written " + cfg.Path + " yet, by which the version and the options are known.\n"
			p.Then = "On a node that runs, bookend install --print nodeconfig prints what to add to the NodeConfig of your nodes."
			return nil
		}
		text, err := p.nodeConfig(cfg)
		p.Todo = preset.Advice + ". Add to the NodeConfig of your nodes:\n\n" + string(text)
		p.Then = "Then start new nodes, and place the binaries on each of them (bookend install --binaries-only)."
		return err
	}
	if cfg.CRIDisabled {
		p.note("containerd's CRI plugin is disabled in %s: the runtime will serve ctr, nerdctl and Docker only", cfg.Path)
	}
	table, err := p.table(cfg)
	if err != nil {
		return err
	}
	if pl.block {
		return p.addBlock(cfg, pl, table)
	}
	if err := p.dropIn(cfg, pl.file, table); err != nil || pl.imported {
		return err
	}
	return p.editMain(cfg, pl.file)
}

func (p *Plan) table(cfg *criconfig.Config) ([]byte, error) {
	version := cfg.DropInVersion()
	if p.opts.OldContainerd(cfg.Version) {
		version = 2
	}
	return criconfig.Table(version, p.opts.RuntimeName, p.runtime(cfg))
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
	if before != nil {
		if err := p.rename(before.Data); err != nil {
			return err
		}
	}
	p.makeDir(filepath.Dir(file))
	after := newFile(dropInText(cfg, table), configMode)
	p.Restart = p.Restart || !before.same(after.saved())
	p.change(file, before, after, changed{Ours: true})
	return nil
}

// rename refuses to give the runtime of our own text another name under its pods,
// which containerd could not serve any more.
func (p *Plan) rename(ours []byte) error {
	name := tableName.FindSubmatch(ours)
	if name == nil || string(name[1]) == p.opts.RuntimeName {
		return nil
	}
	if err := p.inUse(); err != nil {
		return fmt.Errorf("runtime %q cannot be renamed to %q: %w", name[1], p.opts.RuntimeName, err)
	}
	return nil
}

// tableName is the name of the first runtime in a text of ours.
var tableName = regexp.MustCompile(`(?m)^\[plugins\..*\.runtimes\.([a-z0-9-]+)\]$`)

// configMode is that of files of containerd's configuration: readable by all.
const configMode = 0o644

// dropInText is bookend's file among containerd's drop-ins.
func dropInText(cfg *criconfig.Config, table []byte) []byte {
	return fmt.Appendf(nil, dropInHead+", from the runc runtime of %s.\nversion = %d\n\n%s", cfg.Path, cfg.DropInVersion(), table)
}

// dropInHead is what the text of every drop-in of bookend's begins with.
const dropInHead = "# Written by bookend install"
