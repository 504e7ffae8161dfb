package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/wire"
)

// ownExecError is an errOwnExec and its reason.
type ownExecError struct {
	field  string // of the OCI configuration, as in "linux.intelRdt"; empty: none
	reason string
}

func (e *ownExecError) Error() string {
	if e.field == "" {
		return e.reason
	}
	return e.field + ": " + e.reason
}

func (e *ownExecError) Is(target error) bool { return target == errOwnExec }

func ownExec(field, format string, args ...any) error {
	return &ownExecError{field, fmt.Sprintf(format, args...)}
}

// planSource is what a container's plan is made from, besides its OCI configuration.
type planSource struct {
	ID           string
	Bundle       string // directory that holds config.json
	Init         Init
	Runtime      Identity
	Unified      bool // cgroup v2
	NoNewKeyring bool // the container was created with --no-new-keyring
}

// ContainerPlan is how the joiner gets into one container. It is immutable.
type ContainerPlan struct {
	// Template is the plan of all hooks of the container, without what a hook
	// says itself, its cgroups, its start pipe and its seccomp program.
	Template joiner.Plan
	// Seccomp is the container's profile as it is written; nil: none.
	Seccomp json.RawMessage

	env           []string
	keepEmptyHome bool
	uids, gids    proc.IDMap
}

// readPlan makes the plan of a container whose init exists. An errOwnExec names the
// field that the joiner does not carry out.
func readPlan(s planSource) (*ContainerPlan, error) {
	if !s.Runtime.Plain {
		return nil, ownExec("", "%s", s.Runtime.Reason)
	}
	data, err := os.ReadFile(filepath.Join(s.Bundle, "config.json"))
	if err != nil {
		return nil, err
	}
	c, err := readConfig(data)
	if err != nil {
		return nil, err
	}
	p := &ContainerPlan{Template: joiner.Plan{
		InitPid: s.Init.Pid, InitStart: s.Init.Start, Unified: s.Unified, SetGroups: true,
	}}
	for _, part := range []func(*config, planSource) error{
		p.readNamespaces, p.readProcess, p.readUser, p.readPriorities, p.readPersonality, p.readSecurity, p.readUserNamespace,
	} {
		if err := part(c, s); err != nil {
			return nil, err
		}
	}
	p.Seccomp, err = readSeccomp(c.Linux.Seccomp)
	return p, err
}

// readProcess reads what a hook may replace.
func (p *ContainerPlan) readProcess(c *config, s planSource) error {
	if !filepath.IsAbs(c.Process.Cwd) {
		return ownExec("process.cwd", "%q is not an absolute path", c.Process.Cwd)
	}
	p.Template.Cwd = c.Process.Cwd
	p.env = c.Process.Env
	p.keepEmptyHome = s.Runtime.Name == nameCrun
	_, _, err := prepareEnv(p.env, p.keepEmptyHome)
	return err
}

// readUser reads the user and the umask. Without one of the configuration's, runc
// leaves its own.
func (p *ContainerPlan) readUser(c *config, s planSource) error {
	u := c.Process.User
	p.Template.UID, p.Template.GID, p.Template.Groups = u.UID, u.GID, u.AdditionalGids
	p.Template.Umask = u.Umask
	switch {
	case u.Umask != nil && s.Runtime.Name == nameRunc && !s.Runtime.runcSince(2):
		return ownExec("process.user.umask", "runc %s does not give it to an exec", s.Runtime.Version)
	case u.Umask == nil && s.Runtime.Name == nameCrun:
		p.Template.Umask = new(uint32)
		*p.Template.Umask = 0o022
	}
	return nil
}

// readUserNamespace reads what the user namespace that a hook joins has for
// numbers and groups. One that the init has made for itself is no hook's.
func (p *ContainerPlan) readUserNamespace(_ *config, s planSource) error {
	if p.Template.Namespaces&unix.CLONE_NEWUSER == 0 {
		return nil
	}
	dir, err := s.Init.Open()
	if err != nil {
		return err
	}
	defer dir.Close()
	setgroups, err := dir.ReadFile("setgroups")
	if err != nil {
		return err
	}
	p.Template.SetGroups = !bytes.Equal(bytes.TrimSpace(setgroups), []byte("deny"))
	p.uids, p.gids, err = dir.ReadIDMaps()
	return err
}

// For returns the plan of one hook. user is h.User, found in the container; nil: the
// container's own.
func (p *ContainerPlan) For(h *hooks.Exec, user *wire.User) (joiner.Plan, error) {
	plan := p.Template
	if len(h.Command) == 0 {
		return plan, errors.New("no command")
	}
	plan.Args = h.Command
	env := slices.Clone(p.env)
	for _, v := range h.Env {
		env = append(env, v.Name+"="+v.Value)
	}
	var err error
	if plan.Env, plan.AddHome, err = prepareEnv(env, p.keepEmptyHome); err != nil {
		return plan, err
	}
	plan.Candidates, plan.BareName = candidates(h.Command[0], plan.Env)
	if h.WorkingDir != "" {
		plan.Cwd = h.WorkingDir
	}
	if user != nil {
		plan.UID, plan.GID, plan.Groups = user.UID, user.GID, user.AdditionalGids
	}
	return plan, nil
}
