package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/hooks"
)

func containerdRuns(f *Facts) Result {
	upgrade := fmt.Sprintf("upgrade containerd to %d.%d or newer", install.NeedMajor, install.NeedMinor)
	if f.Daemon == nil {
		fix := f.start() + ", or name its socket with --address"
		if errors.Is(f.DaemonErr, fs.ErrPermission) {
			fix = "run bookend doctor as root"
		}
		found := "it is not installed"
		if f.Installed.Text != "" {
			found = f.Installed.Text + " is installed"
		}
		return fail(fix, "no daemon answers (%s): %v", found, f.DaemonErr)
	}
	if f.Daemon.Version.Older(install.NeedMajor, install.NeedMinor) {
		return fail(upgrade, "version %s cannot start this shim", f.Daemon.Version)
	}
	return pass("version %s, pid %d", f.Daemon.Version, f.Daemon.PID)
}

func runtimeConfigured(f *Facts) Result {
	if f.CRIErr != nil {
		return fail("fix containerd's configuration", "%v", f.CRIErr)
	}
	r, ok := f.runtime()
	switch {
	case f.byTypeAlone():
		return warn(f.enable(), "%s disables the CRI plugin, and no runtime %q is in it: ctr, nerdctl and Docker find the shim by its type", f.CRI.Path, f.RuntimeName)
	case !ok && f.Written != "":
		return fail(f.restart(), "runtime %q is in %s, of which %s is made at the next start", f.RuntimeName, f.Written, f.CRI.Path)
	case !ok:
		return fail(f.install(), "no runtime %q in %s and what it imports", f.RuntimeName, f.CRI.Path)
	case r.Type == "":
		return fail("set runtime_type = \""+criconfig.RuncType+"\" in the runtime's table, then "+f.restart(), "runtime %q has no runtime_type: containerd starts nothing with it", f.RuntimeName)
	case r.Path == "" && r.Type != hooks.RuntimeType:
		return fail("set runtime_path to the path of "+hooks.ShimBinary+" in "+f.CRI.Path, "runtime %q is of type %s and names no runtime_path: it is the stock shim's", f.RuntimeName, r.Type)
	case r.Path == "":
		return pass("%q, of type %s", f.RuntimeName, r.Type)
	default:
		return pass("%q, of type %s with %s", f.RuntimeName, r.Type, r.Path)
	}
}

// enable is what makes Kubernetes work on a node that is not set up for it.
func (f *Facts) enable() string {
	return "nothing for ctr, nerdctl and Docker; for Kubernetes take the plugin out of disabled_plugins in " + f.CRI.Path + ", then " + f.configure()
}

func annotationsListed(f *Facts) Result {
	r, ok := f.runtime()
	if f.byTypeAlone() {
		return warn(f.enable(), "no runtime %q, no lists of annotations; ctr, nerdctl and Docker need none", f.RuntimeName)
	}
	if !ok {
		return fail(f.install(), "no runtime %q, no lists of annotations", f.RuntimeName)
	}
	gaps := r.Gaps()
	if len(gaps) == 0 {
		return pass("pod_annotations and container_annotations have all that is needed")
	}
	var found []string
	fatal := false
	for _, g := range gaps {
		found = append(found, g.List+" lacks "+g.Pattern+" ("+g.Without+")")
		fatal = fatal || g.Fatal
	}
	full := r.Bookend(r.Path)
	fix := listLine(criconfig.PodList, full.PodAnnotations)
	if slices.ContainsFunc(gaps, func(g criconfig.Gap) bool { return g.List == criconfig.ContainerList }) {
		fix += " and " + listLine(criconfig.ContainerList, full.ContainerAnnotations)
	}
	result := warn("in the runtime's table: "+fix+", then "+f.restart(), "%s", strings.Join(found, "; "))
	if fatal {
		result.Status = Fail
	}
	return result
}

func listLine(name string, patterns []string) string {
	return name + ` = ["` + strings.Join(patterns, `", "`) + `"]`
}

// runtimeLoaded compares what containerd runs with to what its files say.
func runtimeLoaded(f *Facts) Result {
	r, configured := f.runtime()
	switch {
	case f.Daemon == nil:
		return fail(f.start(), "no containerd runs")
	case errors.Is(f.Daemon.CRIErr, daemon.ErrNoCRI) && f.CRI.CRIDisabled:
		return warn("enable the CRI plugin for Kubernetes; ctr, nerdctl and Docker do without", "%v", f.Daemon.CRIErr)
	case errors.Is(f.Daemon.CRIErr, daemon.ErrNoCRI):
		return fail(f.restart()+"; if the plugin is missing still, containerd's log and ctr plugins ls say why it did not load",
			"%v, and %s does not disable it", f.Daemon.CRIErr, f.mainConfig())
	case f.Daemon.CRIErr != nil:
		return warn("crictl info, and containerd's log", "%v", f.Daemon.CRIErr)
	}
	h, ok := f.Daemon.Handlers[f.RuntimeName]
	switch {
	case !ok && configured:
		return fail(f.restart(), "containerd runs with an older configuration, without runtime %q", f.RuntimeName)
	case !ok && f.byTypeAlone():
		return warn(f.restart(), "containerd runs with its CRI plugin, which %s disables, and without runtime %q", f.CRI.Path, f.RuntimeName)
	case !ok:
		return fail(f.install(), "containerd runs without runtime %q", f.RuntimeName)
	case configured && !loadedAs(h, r):
		return fail(f.restart(), "containerd runs with an older configuration of runtime %q", f.RuntimeName)
	}
	return pass("containerd runs with runtime %q", f.RuntimeName)
}

// loadedAs tells whether a runtime has been loaded from what its files say now.
func loadedAs(h daemon.Handler, r criconfig.Runtime) bool {
	return h.Type == r.Type && h.Path == r.Path && slices.Equal(h.PodAnnotations, r.PodAnnotations) &&
		slices.Equal(h.ContainerAnnotations, r.ContainerAnnotations) && sameOptions(h.Options, r.Options)
}

// sameOptions compares options as they came through JSON with those of a file.
// Values that are empty mean the default, as if they were not there.
func sameOptions(loaded, file map[string]any) bool {
	data, err := json.Marshal(file)
	if err != nil {
		return true // not to be compared, which is no reason for a restart
	}
	var same map[string]any
	if err := json.Unmarshal(data, &same); err != nil {
		return true
	}
	return reflect.DeepEqual(criconfig.NotEmpty(loaded), criconfig.NotEmpty(same))
}
