package hooks

import "strings"

// exec reads an ExecAction of h and what bookend adds to it, into h where that is
// the hook's.
//
//	command:         argv, at least one string
//	timeoutSeconds:  as the hook's own
//	user:            "uid[:gid]" or "name[:group]", where policy allows it
//	env:             [{name, value}], as in a container, without valueFrom
//	workingDir:      an absolute path in the container
func (g grammar) exec(v *value, h *Hook) (*Exec, error) {
	t := v.table("command", FieldTimeout, "user", "env", "workingDir")
	e := &Exec{}
	required(t, "command", &e.Command, readCommand)
	optional(t, FieldTimeout, &h.Timeout, g.timeout(h.Point))
	optional(t, "user", &e.User, g.user)
	optional(t, "env", &e.Env, each(readEnvVar))
	optional(t, "workingDir", &e.WorkingDir, readWorkingDir)
	return e, t.err
}

func readCommand(v *value) ([]string, error) {
	argv, err := each((*value).cString)(v)
	switch {
	case err != nil:
		return nil, err
	case len(argv) == 0:
		return nil, v.fail("must not be empty")
	case argv[0] == "":
		return nil, v.items[0].fail("must not be empty")
	}
	return argv, nil
}

// cString reads a string that a system call can take.
func (v *value) cString() (string, error) {
	s, err := v.str()
	if err == nil && strings.ContainsRune(s, 0) {
		err = v.fail("must not contain a NUL character")
	}
	return s, err
}

func (g grammar) user(v *value) (string, error) {
	s, err := v.str()
	if err != nil {
		return "", err
	}
	if g.policy != nil && !g.policy.AllowUser {
		return "", v.fail("is not allowed on this node (policy.allowUser)")
	}
	name, group, two := strings.Cut(s, ":")
	if !isAccount(name) || two && !isAccount(group) {
		return "", v.fail("must be uid, uid:gid, name or name:group, got %s", quote(s))
	}
	return s, nil
}

// isAccount tells whether s can be looked up in passwd or group files.
func isAccount(s string) bool {
	printable := func(r rune) bool { return r > ' ' && r <= '~' && r != ':' && r != '/' }
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0
}

func readEnvVar(v *value) (EnvVar, error) {
	t := v.table("name", "value")
	var e EnvVar
	required(t, "name", &e.Name, readEnvName)
	optional(t, "value", &e.Value, (*value).cString)
	return e, t.err
}

// readEnvName has Kubernetes' rule for the names of a container's environment.
func readEnvName(v *value) (string, error) {
	s, err := v.str()
	if err == nil && (s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '=' })) {
		err = v.fail("must be printable ASCII characters other than '=', got %s", quote(s))
	}
	return s, err
}

// readWorkingDir reads an absolute path; "" stands for the container's.
func readWorkingDir(v *value) (string, error) {
	dir, err := v.cString()
	if err == nil && dir != "" && !strings.HasPrefix(dir, "/") {
		err = v.fail("must be an absolute path, got %s", quote(dir))
	}
	return dir, err
}
