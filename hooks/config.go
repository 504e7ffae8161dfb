package hooks

import "errors"

// Config is the node's configuration. It is immutable once parsed.
type Config struct {
	Defaults Defaults
	Policy   Policy
	Records  Records
	Log      Log
	Exec     ExecHooks
	Runc     Runc
}

// Runc holds options of the stock shim, for daemons that hand over this
// configuration in place of them (runtimeoptions.v1). Empty: the stock default.
type Runc struct {
	BinaryName    string
	Root          string
	SystemdCgroup bool
}

// DefaultConfig returns the configuration of a node that has none.
func DefaultConfig() *Config {
	return &Config{
		Defaults: Defaults{PostStartTimeout: defaultPostStartTimeout},
		Policy:   DefaultPolicy(),
		Records:  DefaultRecords(),
		Exec:     ExecHooks{Entry: EntryAuto},
	}
}

// ParseConfig reads the node's configuration, TOML with keys spelt as in
// Kubernetes:
//
//	[defaults]
//	postStartTimeoutSeconds = 100   # 0: no limit
//	preStopTimeoutSeconds = 0       # 0: no limit
//	[defaults.preStop.sleep]        # a preStop handler as in annotations;
//	seconds = 5                     # httpGet.port is a number here
//	[policy]                        # see Policy
//	allowHandlers = ["exec", "httpGet", "sleep"]
//	allowUser = false               # exec.user
//	allowHosts = ["10.0.0.0/8", "metadata.internal"]   # httpGet.host; "*": any
//	allowContainerOutput = true     # output: container
//	maxPostStartTimeoutSeconds = 0  # 0: no maximum
//	maxPreStopTimeoutSeconds = 0    # 0: no maximum
//	maxRetries = 1000
//	[records]                       # see Records
//	directory = "/run/bookend"
//	maxAgeSeconds = 604800
//	maxCount = 2000
//	maxBytes = 33554432
//	maxCountPerContainer = 250      # by default an eighth of maxCount
//	maxBytesPerContainer = 4194304  # by default an eighth of maxBytes
//	[log]
//	level = "info"                  # see Log
//	[exec]
//	entry = "auto"                  # or "runtime": its own exec, always
//	[runc]
//	binaryName = "/usr/sbin/runc"
//	root = "/run/runc"
//	systemdCgroup = true
//
// source says in errors where data comes from, such as its path. Every error is
// an [*InvalidError] and names the line where that is known.
func ParseConfig(data []byte, source string) (*Config, error) {
	c := DefaultConfig()
	root, err := parseTOML(data)
	if err == nil {
		err = c.read(root)
	}
	var invalid *InvalidError
	if errors.As(err, &invalid) {
		invalid.Source = "config " + source
		invalid.Line, invalid.ValueLine = invalid.ValueLine, 0
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// read puts what the file says over the defaults in c.
func (c *Config) read(v *value) error {
	t, err := v.table("defaults", "policy", "records", "log", "exec", "runc")
	if err != nil {
		return err
	}
	for _, section := range []struct {
		name string
		read func(*value) error
	}{
		{"policy", c.Policy.read},
		{"defaults", func(v *value) error { return c.Defaults.read(v, &c.Policy) }},
		{"records", c.Records.read}, {"log", c.Log.read}, {"exec", c.Exec.read}, {"runc", c.Runc.read},
	} {
		if f := t.get(section.name); f != nil {
			if err := section.read(f); err != nil {
				return err
			}
		}
	}
	return nil
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
	r.SystemdCgroup, err = t.boolean("systemdCgroup", r.SystemdCgroup)
	return err
}
