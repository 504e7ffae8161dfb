package hooks

import (
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
// an [*InvalidError] and names the line where that is known.
func ParseConfig(data []byte, source string) (*Config, error) {
	var root map[string]any
	if err := toml.Unmarshal(data, &root); err != nil {
		return nil, tomlError(err, "config "+source)
	}
	c := DefaultConfig()
	if err := c.read(fromTOML(root, nil)); err != nil {
		return nil, inSource(withLine(err, data), "config "+source)
	}
	return c, nil
}

// tomlError turns a syntax error of the library into ours.
func tomlError(err error, source string) error {
	invalid := &InvalidError{Source: source, Message: "is not valid TOML: " + quoteMessage(err.Error()), Err: err}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, _ := decode.Position()
		invalid.Message = fmt.Sprintf("is not valid TOML: %s (line %d)", quoteMessage(strings.TrimPrefix(decode.Error(), "toml: ")), line)
	}
	return invalid
}

// read puts what the file says over the defaults in c.
func (c *Config) read(v *value) error {
	t, err := v.table("defaults", "policy", "runc")
	if err != nil {
		return err
	}
	for _, section := range []struct {
		name string
		read func(*value) error
	}{
		{"defaults", c.Defaults.read}, {"policy", c.Policy.read}, {"runc", c.Runc.read},
	} {
		if f := t.get(section.name); f != nil {
			if err := section.read(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Defaults) read(v *value) error {
	t, err := v.table("preStop", "postStartTimeoutSeconds", "preStopTimeoutSeconds")
	if err != nil {
		return err
	}
	if f := t.get("postStartTimeoutSeconds"); f != nil {
		if d.PostStartTimeout, err = f.seconds(); err != nil {
			return err
		}
	}
	if f := t.get("preStopTimeoutSeconds"); f != nil {
		if d.PreStopTimeout, err = f.seconds(); err != nil {
			return err
		}
	}
	if f := t.get("preStop"); f != nil {
		g := grammar{namedPort: noNamedPort}
		if d.PreStop, err = g.hook(f, PreStop); err != nil {
			return err
		}
		d.PreStop.withTimeout(d.PreStopTimeout)
	}
	return nil
}

// noNamedPort refuses named ports: a default is one for all containers.
func noNamedPort(v *value) (int, error) {
	return 0, v.fail("must be a number, %s may be another port in each container", quote(v.text))
}

func (r *Runc) read(v *value) error {
	t, err := v.table("binaryName", "root", "systemdCgroup")
	if err != nil {
		return err
	}
	if r.BinaryName, err = t.str("binaryName"); err != nil {
		return err
	}
	if r.Root, err = t.str("root"); err != nil {
		return err
	}
	r.SystemdCgroup, err = t.boolean("systemdCgroup")
	return err
}
