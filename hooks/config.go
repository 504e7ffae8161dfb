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
	t := v.table("defaults", "policy", "records", "log", "exec", "runc")
	optional(t, "policy", &c.Policy, c.Policy.read)
	optional(t, "defaults", &c.Defaults, func(f *value) (Defaults, error) { return c.Defaults.read(f, &c.Policy) })
	optional(t, "records", &c.Records, c.Records.read)
	optional(t, "log", &c.Log, readLog)
	optional(t, "exec", &c.Exec, c.Exec.read)
	optional(t, "runc", &c.Runc, readRunc)
	return t.err
}

func readRunc(v *value) (r Runc, err error) {
	t := v.table("binaryName", "root", "systemdCgroup")
	optional(t, "binaryName", &r.BinaryName, (*value).str)
	optional(t, "root", &r.Root, (*value).str)
	optional(t, "systemdCgroup", &r.SystemdCgroup, (*value).boolean)
	return r, t.err
}
