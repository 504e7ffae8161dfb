package install

import (
	"path/filepath"
	"strings"

	"bookend.dev/bookend/cmd/internal/criconfig"
)

// editMain plans the main file: a new one, or the old with one line changed.
// Where that is for a person to do, it says so; file is our drop-in.
func (p *Plan) editMain(cfg *criconfig.Config, file string) error {
	before, err := readEntry(cfg.Path)
	if err != nil {
		return err
	}
	if p.Todo, err = p.byHand(cfg, file, before); err != nil || p.Todo != "" {
		return err
	}
	if before == nil {
		p.Restart = true
		p.makeDir(filepath.Dir(cfg.Path))
		p.change(cfg.Path, nil, newFile(cfg.NewMain(), configMode), changed{})
		return nil
	}
	text, edit, err := criconfig.AddImport(before.Data, cfg.ImportPattern())
	if err == nil {
		p.Restart = true
		p.change(cfg.Path, before, before.file(text), changed{Edit: &edit})
	} else {
		p.Todo = "The imports of " + cfg.Path + " cannot be changed by machine (" + err.Error() + "). Make them:\n\n" + cfg.Snippet() + "\n"
	}
	return nil
}

// byHand says what a person has to write into the main file, and why this is not
// done here; empty: it can be.
func (p *Plan) byHand(cfg *criconfig.Config, file string, before *Entry) (string, error) {
	line := "in place of its imports if it has any:\n\n" + cfg.Snippet() + "\n"
	switch dormant, err := cfg.Dormant(file); {
	case err != nil:
		return "", err
	case len(dormant) > 0:
		what := "this line at the top of " + cfg.Path + ",\n" + line
		if before == nil {
			what = "a file " + cfg.Path + ":\n\n" + string(cfg.NewMain())
		}
		return "An import of conf.d would wake up files that containerd does not read: " + strings.Join(dormant, ", ") + ".\n" +
			"Move away those that are not to be read, and run this again. Or let them be read, with " + what, nil
	case before == nil:
		return "", nil
	case before.Link != "":
		return cfg.Path + " is a symbolic link, and is left alone. Put this line at the top of the file it leads to,\n" + line, nil
	}
	if generated, err := cfg.Generated(); err != nil {
		return "", err
	} else if generated {
		return cfg.Path + " says of itself that it is not to be edited: another program writes it.\n" +
			"Let that program write this line at its top, " + line, nil
	}
	if !p.opts.EditConfig {
		return "containerd does not read " + file + ": " + cfg.Path + " does not import it.\n" +
			"Run this again with --edit-config, or put this line at the top of " + cfg.Path + ",\n" + line, nil
	}
	return "", nil
}
