package runtime

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/moby/sys/capability"
	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/runtime/joiner"
)

// readSecurity reads capabilities, labels and the keyring.
func (p *ContainerPlan) readSecurity(c *config, s planSource) (err error) {
	if err := readAnnotations(c.Annotations, s.Runtime); err != nil {
		return err
	}
	if p.Template.Caps, err = readCaps(c.Process.Capabilities, s.Runtime); err != nil {
		return err
	}
	p.Template.NoNewPrivs = c.Process.NoNewPrivileges
	p.Template.AppArmor = c.Process.ApparmorProfile
	p.Template.ExecLabel = c.Process.SelinuxLabel
	if s.NoNewKeyring {
		return nil
	}
	p.Template.KeyLabel = c.Process.SelinuxLabel
	p.Template.Keyring = "_ses." + s.ID
	if s.Runtime.Name == nameCrun {
		p.Template.Keyring = s.ID
	}
	return nil
}

// readAnnotations refuses those by which crun makes another container than the
// configuration says, or another process.
func readAnnotations(annotations map[string]carriedOut, rt Identity) error {
	if rt.Name != nameCrun {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if strings.HasPrefix(name, "run.oci.") || strings.HasPrefix(name, "module.wasm.") {
			return ownExec("annotations", "crun may read %q", name)
		}
	}
	return nil
}

// readCaps reads the capability sets. Where there are none, runc 1.5 changes
// nothing; older ones and crun, which drop all, are left to do so.
func readCaps(c *specs.LinuxCapabilities, rt Identity) (*joiner.Caps, error) {
	if c == nil {
		if !rt.runcSince(5) {
			return nil, ownExec("process.capabilities", "there are none, which %s %s has its own way with", rt.Name, rt.Version)
		}
		return nil, nil
	}
	supported, err := capability.ListSupported()
	if err != nil {
		return nil, err
	}
	bits := map[string]uint64{}
	for _, one := range supported {
		bits["CAP_"+strings.ToUpper(one.String())] = 1 << one
	}
	var caps joiner.Caps
	for _, set := range []struct {
		field string
		names []string
		bits  *uint64
	}{
		{"bounding", c.Bounding, &caps.Bounding}, {"effective", c.Effective, &caps.Effective},
		{"permitted", c.Permitted, &caps.Permitted}, {"inheritable", c.Inheritable, &caps.Inheritable},
		{"ambient", c.Ambient, &caps.Ambient},
	} {
		for _, name := range set.names {
			bit, ok := bits[name]
			if !ok {
				return nil, ownExec("process.capabilities."+set.field, "the kernel does not have %q", name)
			}
			*set.bits |= bit
		}
	}
	return &caps, nil
}

// readSeccomp returns the profile, a copy of what data has. Without a default
// action and without rules it is none, as for libcontainer.
func readSeccomp(data json.RawMessage) (json.RawMessage, error) {
	var profile *struct {
		DefaultAction string            `json:"defaultAction"`
		Syscalls      []json.RawMessage `json:"syscalls"`
	}
	if data == nil {
		return nil, nil
	}
	if err := json.Unmarshal(data, &profile); err != nil {
		return nil, ownExec("linux.seccomp", "%v", err)
	}
	if profile == nil || profile.DefaultAction == "" && len(profile.Syscalls) == 0 {
		return nil, nil
	}
	return data, nil
}
