package install

import (
	"errors"
	"fmt"
	"os"

	"bookend.dev/bookend/cmd/bookend/internal/criconfig"
)

func isNotInstalled(err error) bool { return errors.Is(err, ErrNotInstalled) }

// foreignRuntime refuses a runtime of the wanted name that is not this
// installation's to change.
func (p *Plan) foreignRuntime(cfg *criconfig.Config, file string) error {
	where := cfg.Path + " or a file that it imports"
	if _, err := os.Lstat(file); err == nil {
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
