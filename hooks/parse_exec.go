package hooks

import (
	"strings"
	"time"
)

// exec reads an ExecAction and what bookend adds to it. The duration is its
// timeoutSeconds, or timeoutUnset.
//
//	command:         argv, at least one string
//	timeoutSeconds:  as the hook's own
//	user:            "uid[:gid]" or "name[:group]", where policy allows it
//	env:             [{name, value}], as in a container, without valueFrom
//	workingDir:      an absolute path in the container
func (g grammar) exec(v *value, point Point) (*Exec, time.Duration, error) {
	timeout := timeoutUnset
	t, err := v.table("command", FieldTimeout, "user", "env", "workingDir")
	if err != nil {
		return nil, timeout, err
	}
	e := &Exec{}
	if e.Command, err = readCommand(t); err != nil {
		return nil, timeout, err
	}
	if f := t.get(FieldTimeout); f != nil {
		if timeout, err = g.timeout(f, point); err != nil {
			return nil, timeout, err
		}
	}
	if f := t.get("user"); f != nil {
		if e.User, err = g.user(f); err != nil {
			return nil, timeout, err
		}
	}
	if f := t.get("env"); f != nil {
		if e.Env, err = readEnv(f); err != nil {
			return nil, timeout, err
		}
	}
	e.WorkingDir, err = readWorkingDir(t)
	return e, timeout, err
}

func readCommand(t *table) ([]string, error) {
	f := t.get("command")
	if f == nil {
		return nil, t.missing("command")
	}
	items, err := f.list()
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, f.fail("must not be empty")
	}
	argv := make([]string, 0, len(items))
	for _, item := range items {
		arg, err := item.cString()
		if err != nil {
			return nil, err
		}
		argv = append(argv, arg)
	}
	if argv[0] == "" {
		return nil, items[0].fail("must not be empty")
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

func readEnv(v *value) ([]EnvVar, error) {
	items, err := v.list()
	if err != nil {
		return nil, err
	}
	env := make([]EnvVar, 0, len(items))
	for _, item := range items {
		t, err := item.table("name", "value")
		if err != nil {
			return nil, err
		}
		name := t.get("name")
		if name == nil {
			return nil, t.missing("name")
		}
		var e EnvVar
		if e.Name, err = name.str(); err != nil {
			return nil, err
		}
		if !isEnvName(e.Name) {
			return nil, name.fail("must be printable ASCII characters other than '=', got %s", quote(e.Name))
		}
		if f := t.get("value"); f != nil {
			if e.Value, err = f.cString(); err != nil {
				return nil, err
			}
		}
		env = append(env, e)
	}
	return env, nil
}

// isEnvName is Kubernetes' rule for the names of a container's environment.
func isEnvName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '=' }) < 0
}

// readWorkingDir reads an optional absolute path; "" stands for the container's.
func readWorkingDir(t *table) (string, error) {
	f := t.get("workingDir")
	if f == nil {
		return "", nil
	}
	dir, err := f.cString()
	if err == nil && dir != "" && !strings.HasPrefix(dir, "/") {
		err = f.fail("must be an absolute path, got %s", quote(dir))
	}
	return dir, err
}
