package criconfig

import (
	"fmt"
	"maps"
)

// RuncType is the runtime type of the stock shim.
const RuncType = "io.containerd.runc.v2"

// RuncName is the name of containerd's own runtime.
const RuncName = "runc"

// Runtime is one runtime of the CRI plugin.
type Runtime struct {
	Type                 string // runtime_type
	Path                 string // runtime_path; empty: found by Type
	PodAnnotations       []string
	ContainerAnnotations []string
	Options              map[string]any
	// Other are all other settings, as they are written.
	Other map[string]any
}

func newRuntime(t map[string]any) (Runtime, error) {
	r := Runtime{Other: maps.Clone(t)}
	var err error
	for key, to := range map[string]*[]string{
		PodList: &r.PodAnnotations, ContainerList: &r.ContainerAnnotations,
	} {
		if *to, err = stringList(t[key]); err != nil {
			return Runtime{}, fmt.Errorf("%s: %w", key, err)
		}
		delete(r.Other, key)
	}
	for key, to := range map[string]*string{"runtime_type": &r.Type, "runtime_path": &r.Path} {
		*to, _ = t[key].(string)
		delete(r.Other, key)
	}
	r.Options, err = table(t, "options")
	delete(r.Other, "options")
	return r, err
}

func stringList(v any) ([]string, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("must be a list of strings, got %T", v)
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = e.(string); !ok {
			return nil, fmt.Errorf("must be a list of strings, got %T in it", e)
		}
	}
	return out, nil
}

// Runc returns the node's runc runtime and its name: the one named so, else the
// default one if it is of runc's type, else one without a name or any settings.
// A runtime_path does not matter: by the type containerd knows that the options
// are runc's, whichever shim they go to.
func (c *Config) Runc() (name string, r Runtime) {
	for _, name := range []string{RuncName, c.DefaultRuntime} {
		if r, ok := c.Runtimes[name]; ok && r.IsRunc() {
			return name, r
		}
	}
	return "", Runtime{Type: RuncType}
}

// IsRunc tells whether the runtime's options are runc's.
func (r Runtime) IsRunc() bool { return r.Type == RuncType }

// OptionNames are the options that are set, in order.
func (r Runtime) OptionNames() []string { return sortedKeys(NotEmpty(r.Options)) }

// SystemdCgroup tells whether systemd makes the cgroups of the runtime's
// containers, as its options have it.
func (r Runtime) SystemdCgroup() bool { return r.Options["SystemdCgroup"] == true }

// Bookend returns runc's runtime with bookend's shim, found at shim, in place
// of the stock one, and with the annotations that bookend must be handed.
func (r Runtime) Bookend(shim string) Runtime {
	r.Type, r.Path = RuncType, shim
	r.PodAnnotations = withNeeds(podNeeds(), r.PodAnnotations)
	r.ContainerAnnotations = withNeeds(containerNeeds(), r.ContainerAnnotations)
	return r
}

// BinaryName is the runc that the runtime's options name; empty: runc on PATH.
func (r Runtime) BinaryName() string {
	name, _ := r.Options["BinaryName"].(string)
	return name
}
