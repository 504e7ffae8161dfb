package hooks

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Config is the node's configuration. It is immutable once parsed.
type Config struct {
	Defaults Defaults
	Policy   Policy
	Runc     Runc
}

// Defaults are what a container gets that asks for nothing else.
type Defaults struct {
	// PreStop is the preStop of every container without one; nil: none.
	PreStop *Hook
	// PostStartTimeout and PreStopTimeout limit hooks without a timeout of
	// their own; 0: no limit.
	PostStartTimeout, PreStopTimeout time.Duration
}

// Runc holds options of the stock shim, for daemons that hand over this
// configuration in place of them (runtimeoptions.v1). Empty: the stock default.
type Runc struct {
	BinaryName    string
	Root          string
	SystemdCgroup bool
}

// defaultPostStartTimeout lies below the two minutes that the kubelet gives a
// Start, so that the reason of a timeout is told.
const defaultPostStartTimeout = 100 * time.Second

// DefaultConfig returns the configuration of a node that has none.
func DefaultConfig() *Config {
	return &Config{Defaults: Defaults{PostStartTimeout: defaultPostStartTimeout}}
}

// configFile is the shape of the TOML. Durations and preStop are read by the
// grammar of annotations, and so with its errors.
type configFile struct {
	Defaults struct {
		PreStop                 map[string]any `toml:"preStop"`
		PostStartTimeoutSeconds any            `toml:"postStartTimeoutSeconds"`
		PreStopTimeoutSeconds   any            `toml:"preStopTimeoutSeconds"`
	} `toml:"defaults"`
	Policy struct {
		AllowUser  bool     `toml:"allowUser"`
		AllowHosts []string `toml:"allowHosts"`
	} `toml:"policy"`
	Runc struct {
		BinaryName    string `toml:"binaryName"`
		Root          string `toml:"root"`
		SystemdCgroup bool   `toml:"systemdCgroup"`
	} `toml:"runc"`
}

// ParseConfig reads the node's configuration, TOML with keys spelt as in
// Kubernetes:
//
//	[defaults]
//	postStartTimeoutSeconds = 100   # 0: no limit
//	preStopTimeoutSeconds = 0       # 0: no limit
//	[defaults.preStop.sleep]        # a preStop handler as in annotations;
//	seconds = 5                     # httpGet.port is a number here
//	[policy]
//	allowUser = false               # exec.user
//	allowHosts = ["10.0.0.0/8", "metadata.internal"]   # httpGet.host; "*": any
//	[runc]
//	binaryName = "/usr/sbin/runc"
//	root = "/run/runc"
//	systemdCgroup = true
//
// source says in errors where data comes from, such as its path. Every error is
// an [*InvalidError]; unknown keys and wrong types name their line.
func ParseConfig(data []byte, source string) (*Config, error) {
	var file configFile
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, tomlError(err, "config "+source)
	}
	c, err := file.config()
	if err != nil {
		return nil, inSource(err, "config "+source)
	}
	return c, nil
}

func (f *configFile) config() (*Config, error) {
	c := DefaultConfig()
	c.Policy = Policy{AllowUser: f.Policy.AllowUser, AllowHosts: f.Policy.AllowHosts}
	c.Runc = Runc(f.Runc)
	at := (*path)(nil).child("policy").child("allowHosts")
	for i, host := range f.Policy.AllowHosts {
		if !isAllowEntry(host) {
			return nil, (&value{path: at.item(i)}).fail(`must be a host name, an IP address, a CIDR or "*", got %s`, quote(host))
		}
	}
	defaults := (*path)(nil).child("defaults")
	for _, d := range []struct {
		name string
		raw  any
		to   *time.Duration
	}{
		{"postStartTimeoutSeconds", f.Defaults.PostStartTimeoutSeconds, &c.Defaults.PostStartTimeout},
		{"preStopTimeoutSeconds", f.Defaults.PreStopTimeoutSeconds, &c.Defaults.PreStopTimeout},
	} {
		if d.raw == nil {
			continue
		}
		var err error
		if *d.to, err = fromTOML(d.raw, defaults.child(d.name)).seconds(); err != nil {
			return nil, err
		}
	}
	if f.Defaults.PreStop == nil {
		return c, nil
	}
	g := grammar{namedPort: func(v *value) (int, error) {
		return 0, v.fail("must be a number: %s would be another port in each container", quote(v.text))
	}}
	hook, err := g.hook(fromTOML(f.Defaults.PreStop, defaults.child("preStop")), PreStop)
	c.Defaults.PreStop = hook.withTimeout(c.Defaults.PreStopTimeout)
	return c, err
}

// tomlError turns the first of the library's errors into ours.
func tomlError(err error, source string) error {
	invalid := &InvalidError{Source: source, Message: "is not valid TOML: " + err.Error(), Err: err}
	var strict *toml.StrictMissingError
	var decode *toml.DecodeError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		decode = &strict.Errors[0]
		invalid.Message = "unknown key"
	} else if errors.As(err, &decode) {
		invalid.Message = strings.TrimPrefix(decode.Error(), "toml: ")
	}
	if decode != nil {
		line, _ := decode.Position()
		invalid.Path = strings.Join(decode.Key(), ".")
		invalid.Message = fmt.Sprintf("line %d: %s", line, invalid.Message)
	}
	return invalid
}
