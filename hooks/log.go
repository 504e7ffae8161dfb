package hooks

// Log is about bookend's own lines in containerd's log.
type Log struct {
	// Level is the least severe level of lines about containers with hooks that
	// are written: "debug", "info", "warn" or "error"; empty: as containerd says
	// to its shims, which is info, or debug where containerd itself is at debug.
	Level string
}

func readLog(v *value) (l Log, err error) {
	t := v.table("level")
	optional(t, "level", &l.Level, oneOf("debug", "info", "warn", "error"))
	return l, t.err
}
