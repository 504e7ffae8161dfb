package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bookend.dev/bookend/cmd/bookend/internal/criconfig"
)

func isNotInstalled(err error) bool { return errors.Is(err, ErrNotInstalled) }

// defines tells whether the wanted runtime is that of a drop-in of ours.
func (p *Plan) defines(file string) bool {
	known := p.state.find(file)
	return known != nil && known.Runtime == p.opts.RuntimeName
}

// rename refuses to give the runtime of our drop-in another name under its pods,
// which containerd could not serve any more.
func (p *Plan) rename(file string) error {
	known := p.state.find(file)
	if known == nil || known.Runtime == p.opts.RuntimeName || !exists(file) {
		return nil
	}
	if err := inUse(p.opts.versionsDir()); err != nil {
		return fmt.Errorf("runtime %q cannot be renamed to %q: %w", known.Runtime, p.opts.RuntimeName, err)
	}
	return nil
}

// foreignRuntime is about a runtime of the wanted name that is not this
// installation's to change. One that leads to our shim and has all that it needs
// is what a person was told to write; any other is refused.
func (p *Plan) foreignRuntime(cfg *criconfig.Config, r criconfig.Runtime, file string) error {
	known := p.state.find(file)
	if known == nil && filepath.Clean(r.Path) == p.opts.shimPath() && len(r.Gaps()) == 0 {
		return nil
	}
	where := cfg.Path + " or a file that it imports"
	if known == nil && exists(file) {
		where = file
	}
	return fmt.Errorf("runtime %q %w (%s): remove it there, choose another --runtime-name, or install with --binaries-only", p.opts.RuntimeName, ErrConfigured, where)
}

func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// owned is a new file of ours, readable by all like containerd's own.
func owned(data []byte) *Entry {
	return &Entry{Data: data, Mode: 0o644, UID: os.Getuid(), GID: os.Getgid()}
}

// dropInText is bookend's file among containerd's drop-ins.
func dropInText(cfg *criconfig.Config, table []byte) []byte {
	return fmt.Appendf(nil, "# Written by bookend install, from the runc runtime of %s.\nversion = %d\n\n%s", cfg.Path, cfg.DropInVersion(), table)
}
