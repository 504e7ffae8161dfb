package harness

import (
	"maps"
	"path/filepath"
)

// Handler is one CRI runtime handler of a daemon's configuration.
type Handler struct {
	Name string
	Type string // runtime_type
	Path string // runtime_path; empty: found by Type on the daemon's PATH
	// Options is the options table: for runc's type runc's own options, for
	// bookend's the content of its configuration file. nil: none.
	Options              map[string]any
	PodAnnotations       []string
	ContainerAnnotations []string
}

// Names of the handlers that every daemon has unless its Options say otherwise.
const (
	Runc           = "runc"            // the stock shim
	Bookend        = "bookend"         // runc's runtime type with runtime_path: the documented setup
	BookendType    = "bookend-type"    // bookend's runtime type, no options
	BookendOptions = "bookend-options" // bookend's runtime type with an options table
)

// DefaultHandlers returns the stock shim's handler and one for each setup of
// bookend's that is supported.
func DefaultHandlers(b Binaries) []Handler {
	handlers := []Handler{
		{Name: Runc, Type: RuncRuntime},
		{Name: Bookend, Type: RuncRuntime, Path: filepath.Join(b.Bin, ShimBinary)},
		{Name: BookendType, Type: BookendRuntime},
		{Name: BookendOptions, Type: BookendRuntime, Options: map[string]any{
			"runc": map[string]any{"binaryName": filepath.Join(b.Tools, "runc")},
		}},
	}
	for i := range handlers[1:] {
		h := &handlers[i+1]
		h.PodAnnotations = []string{bookendKeys, LifecyclePrefix + "*"}
		h.ContainerAnnotations = append([]string{GracePeriodKey, PortsKey}, h.PodAnnotations...)
	}
	return handlers
}

// table renders the handler; records is where those of its containers are to go
// where its options are bookend's own and do not say.
func (h Handler) table(records string) map[string]any {
	t := map[string]any{
		"runtime_type":          h.Type,
		"runtime_path":          h.Path,
		"pod_annotations":       h.PodAnnotations,
		"container_annotations": h.ContainerAnnotations,
	}
	if options := maps.Clone(h.driverOptions()); options != nil {
		_, elsewhere := options["TypeUrl"]
		_, said := options["records"]
		if h.Type == BookendRuntime && !elsewhere && !said {
			options["records"] = map[string]any{"directory": records}
		}
		t["options"] = options
	}
	return t
}
