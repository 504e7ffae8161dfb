package runtime

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// config is the OCI configuration as far as a plan is made of it. What it does not
// name sends the container to its runtime: a field that is new may confine a
// process. The fields of the types of package specs are known as well; a test
// tells when there are more.
type config struct {
	Annotations map[string]settled `json:"annotations"`
	Process     *specs.Process     `json:"process"`
	Linux       *linuxConfig       `json:"linux"`

	Version    settled `json:"ociVersion"`
	Root       settled `json:"root"`
	Hostname   settled `json:"hostname"`
	Domainname settled `json:"domainname"`
	Mounts     settled `json:"mounts"`
	Hooks      settled `json:"hooks"`
}

type linuxConfig struct {
	Namespaces  []specs.LinuxNamespace  `json:"namespaces"`
	Personality *specs.LinuxPersonality `json:"personality"`
	// Seccomp is the profile as it is written, which bookend-exec reads as strictly.
	Seccomp json.RawMessage `json:"seccomp"`

	UIDMappings       settled `json:"uidMappings"`
	GIDMappings       settled `json:"gidMappings"`
	Sysctl            settled `json:"sysctl"`
	Resources         settled `json:"resources"`
	CgroupsPath       settled `json:"cgroupsPath"`
	Devices           settled `json:"devices"`
	NetDevices        settled `json:"netDevices"`
	RootfsPropagation settled `json:"rootfsPropagation"`
	MaskedPaths       settled `json:"maskedPaths"`
	ReadonlyPaths     settled `json:"readonlyPaths"`
	MountLabel        settled `json:"mountLabel"`
	TimeOffsets       settled `json:"timeOffsets"`
}

// settled is what a runtime has carried out when the container exists: it is about
// what hooks join. It is not kept: a shim would hold the memory.
type settled struct{}

// UnmarshalJSON implements [json.Unmarshaler].
func (*settled) UnmarshalJSON([]byte) error { return nil }

// readConfig reads a configuration of which every field is known.
func readConfig(data []byte) (*config, error) {
	var c config
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&c); err != nil {
		return nil, ownExec("config.json", "%v", err)
	}
	if _, err := strict.Token(); err != io.EOF {
		return nil, ownExec("config.json", "there is more than one object")
	}
	switch p := c.Process; {
	case p == nil:
		return nil, ownExec("process", "there is none")
	case c.Linux == nil:
		return nil, ownExec("linux", "there is none")
	case p.ExecCPUAffinity != nil:
		return nil, notCarried("process.execCPUAffinity")
	case p.User.Username != "":
		return nil, notCarried("process.user.username")
	case p.CommandLine != "":
		return nil, notCarried("process.commandLine")
	case c.Linux.Personality != nil && c.Linux.Personality.Flags != nil:
		return nil, notCarried("linux.personality.flags")
	}
	return &c, nil
}

func notCarried(field string) error { return ownExec(field, "bookend does not carry it out") }
