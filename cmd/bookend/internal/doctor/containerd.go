package doctor

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/bookend/internal/criconfig"
	"bookend.dev/bookend/cmd/bookend/internal/daemon"
)

// The oldest containerd whose start protocol the shim speaks.
const needMajor, needMinor = 2, 3

func containerdRuns(f *Facts) Result {
	const upgrade = "upgrade containerd to 2.3 or newer"
	if f.Daemon == nil {
		mend := "systemctl start containerd, or name its socket with --address"
		if errors.Is(f.DaemonErr, fs.ErrPermission) {
			mend = "run bookend doctor as root"
		}
		found := "none is installed"
		if f.Installed.Text != "" {
			found = f.Installed.Text + " is installed"
		}
		return fail(mend, "no daemon answers (%s): %v", found, f.DaemonErr)
	}
	if f.Daemon.Version.Older(needMajor, needMinor) {
		return fail(upgrade, "version %s cannot start this shim", f.Daemon.Version)
	}
	return pass("version %s, pid %d", f.Daemon.Version, f.Daemon.PID)
}

func runtimeConfigured(f *Facts) Result {
	if f.CRIErr != nil {
		return fail("mend containerd's configuration", "%v", f.CRIErr)
	}
	r, ok := f.runtime()
	switch {
	case !ok && f.CRI.CRIDisabled:
		return fail("take the plugin out of disabled_plugins in "+f.CRI.Path+", then "+f.install(),
			"%s disables the CRI plugin, and no runtime %q is in it", f.CRI.Path, f.RuntimeName)
	case !ok:
		return fail(f.install(), "no runtime %q in %s and what it imports", f.RuntimeName, f.CRI.Path)
	case r.Path == "" && r.Type != ownType:
		return fail("set runtime_path to the path of "+shimName+" in "+f.CRI.Path, "runtime %q is of type %s and names no runtime_path: it is the stock shim's", f.RuntimeName, r.Type)
	case r.Path == "":
		return pass("%q, of type %s", f.RuntimeName, r.Type)
	default:
		return pass("%q, of type %s with %s", f.RuntimeName, r.Type, r.Path)
	}
}

// ownType is the runtime type that leads to the shim by name.
const ownType = "io.containerd.bookend.v2"

func annotationsListed(f *Facts) Result {
	r, ok := f.runtime()
	if !ok {
		return fail(f.install(), "no runtime %q, no lists of annotations", f.RuntimeName)
	}
	gaps := r.Gaps()
	if len(gaps) == 0 {
		return pass("pod_annotations and container_annotations have all that is needed")
	}
	var found, mend []string
	fatal := false
	for _, g := range gaps {
		found = append(found, g.List+" lacks "+g.Pattern+" ("+g.Without+")")
		fatal = fatal || g.Fatal
	}
	if !slices.ContainsFunc(gaps, func(g criconfig.Gap) bool { return g.List == "container_annotations" }) {
		mend = append(mend, listLine("pod_annotations", r.PodAnnotations, criconfig.PodAnnotations()))
	} else {
		mend = append(mend, listLine("pod_annotations", r.PodAnnotations, criconfig.PodAnnotations()),
			listLine("container_annotations", r.ContainerAnnotations, criconfig.ContainerAnnotations()))
	}
	result := warn("in the runtime's table: "+strings.Join(mend, " and ")+", then "+restart, "%s", strings.Join(found, "; "))
	if fatal {
		result.Status = Fail
	}
	return result
}

// listLine is a list as it should be.
func listLine(name string, have, need []string) string {
	full := slices.Clone(need)
	for _, p := range have {
		if !slices.Contains(full, p) {
			full = append(full, p)
		}
	}
	return name + ` = ["` + strings.Join(full, `", "`) + `"]`
}

// runtimeLoaded compares what containerd runs with to what its files say.
func runtimeLoaded(f *Facts) Result {
	r, configured := f.runtime()
	switch {
	case f.Daemon == nil:
		return fail("systemctl start containerd", "no containerd runs")
	case errors.Is(f.Daemon.CRIErr, daemon.ErrNoCRI):
		return warn("enable the CRI plugin for Kubernetes; ctr, nerdctl and Docker do without", "%v", f.Daemon.CRIErr)
	case f.Daemon.CRIErr != nil:
		return warn("crictl info, and containerd's log", "%v", f.Daemon.CRIErr)
	}
	h, ok := f.Daemon.Handlers[f.RuntimeName]
	switch {
	case !ok && configured:
		return fail(restart, "containerd runs with an older configuration, without runtime %q", f.RuntimeName)
	case !ok:
		return fail(f.install(), "containerd runs without runtime %q", f.RuntimeName)
	case configured && (h.Type != r.Type || h.Path != r.Path || !slices.Equal(h.PodAnnotations, r.PodAnnotations) || !slices.Equal(h.ContainerAnnotations, r.ContainerAnnotations)):
		return fail(restart, "containerd runs with an older configuration of runtime %q", f.RuntimeName)
	}
	return pass("containerd runs with runtime %q", f.RuntimeName)
}
