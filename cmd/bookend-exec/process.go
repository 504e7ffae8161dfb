package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"

	"bookend.dev/bookend/runtime/wire"
)

// loadProcess reads the process section of the bundle's config.json, of which
// `runc exec` too takes what its caller does not give.
func loadProcess(bundle string) (*specs.Process, error) {
	data, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err != nil {
		return nil, err
	}
	var spec struct {
		Process *specs.Process `json:"process"`
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		return nil, fmt.Errorf("%s/config.json: %w", bundle, err)
	}
	if spec.Process == nil {
		return nil, fmt.Errorf("%s/config.json: no process", bundle)
	}
	return spec.Process, nil
}

// newProcess is the container's process with req's command, environment, user
// and working directory. Seccomp, umask, personality and the session keyring
// come with the container's own configuration, which libcontainer applies.
// Stdin stays nil, which is /dev/null.
func newProcess(spec *specs.Process, req wire.Request) (*libcontainer.Process, error) {
	if len(req.Args) == 0 {
		return nil, errors.New("no command")
	}
	p := &libcontainer.Process{
		Args:            req.Args,
		Env:             append(spec.Env[:len(spec.Env):len(spec.Env)], req.Env...), // of equal names libcontainer keeps the last
		UID:             int(spec.User.UID),
		GID:             int(spec.User.GID),
		Cwd:             spec.Cwd,
		Capabilities:    capabilities(spec.Capabilities),
		AppArmorProfile: spec.ApparmorProfile,
		Label:           spec.SelinuxLabel,
		NoNewPrivileges: &spec.NoNewPrivileges,
		Scheduler:       spec.Scheduler,
		IOPriority:      spec.IOPriority,
		SubCgroupPaths:  req.SubCgroups,
		LogLevel:        strconv.Itoa(int(logrus.WarnLevel)),
	}
	groups := spec.User.AdditionalGids
	if u := req.User; u != nil {
		p.UID, p.GID, groups = int(u.UID), int(u.GID), u.AdditionalGids
	}
	for _, gid := range groups {
		p.AdditionalGroups = append(p.AdditionalGroups, int(gid))
	}
	if req.Cwd != "" {
		p.Cwd = req.Cwd
	}
	var err error
	if p.Rlimits, err = rlimits(spec.Rlimits); err != nil {
		return nil, err
	}
	if p.CPUAffinity, err = configs.ConvertCPUAffinity(spec.ExecCPUAffinity); err != nil {
		return nil, err
	}
	return p, nil
}

func capabilities(c *specs.LinuxCapabilities) *configs.Capabilities {
	if c == nil {
		return nil // libcontainer falls back to the container's
	}
	return &configs.Capabilities{
		Bounding:    c.Bounding,
		Effective:   c.Effective,
		Inheritable: c.Inheritable,
		Permitted:   c.Permitted,
		Ambient:     c.Ambient,
	}
}
