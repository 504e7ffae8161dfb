package hooks

// Log is about bookend's own lines in containerd's log.
type Log struct {
	// Level is the least severe level of lines about containers with hooks that
	// are written: "debug", "info", "warn" or "error"; empty: as containerd says
	// to its shims, which is info, or debug where containerd itself is at debug.
	Level string
}

func (l *Log) read(v *value) error {
	t, err := v.table("level")
	if err != nil {
		return err
	}
	if f := t.get("level"); f != nil {
		l.Level, err = f.enum("debug", "info", "warn", "error")
	}
	return err
}
