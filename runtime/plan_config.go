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
	Annotations map[string]carriedOut `json:"annotations"`
	Process     *specs.Process        `json:"process"`
	Linux       *linuxConfig          `json:"linux"`

	Version    carriedOut `json:"ociVersion"`
	Root       carriedOut `json:"root"`
	Hostname   carriedOut `json:"hostname"`
	Domainname carriedOut `json:"domainname"`
	Mounts     carriedOut `json:"mounts"`
	Hooks      carriedOut `json:"hooks"`
}

type linuxConfig struct {
	Namespaces  []specs.LinuxNamespace  `json:"namespaces"`
	Personality *specs.LinuxPersonality `json:"personality"`
	// Seccomp is the profile as it is written, which bookend-exec reads as strictly.
	Seccomp json.RawMessage `json:"seccomp"`

	UIDMappings       carriedOut `json:"uidMappings"`
	GIDMappings       carriedOut `json:"gidMappings"`
	Sysctl            carriedOut `json:"sysctl"`
	Resources         carriedOut `json:"resources"`
	CgroupsPath       carriedOut `json:"cgroupsPath"`
	Devices           carriedOut `json:"devices"`
	NetDevices        carriedOut `json:"netDevices"`
	RootfsPropagation carriedOut `json:"rootfsPropagation"`
	MaskedPaths       carriedOut `json:"maskedPaths"`
	ReadonlyPaths     carriedOut `json:"readonlyPaths"`
	MountLabel        carriedOut `json:"mountLabel"`
	TimeOffsets       carriedOut `json:"timeOffsets"`
}

// carriedOut is what a runtime has carried out when the container exists: it is about
// what hooks join. It is not kept: a shim would hold the memory.
type carriedOut struct{}

// UnmarshalJSON implements [json.Unmarshaler].
func (*carriedOut) UnmarshalJSON([]byte) error { return nil }

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
