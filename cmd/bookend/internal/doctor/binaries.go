package doctor

import (
	"path/filepath"
	"strings"

	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/hooks"
)

func shimFound(f *Facts) Result {
	if f.Shim.Err != nil {
		return fail(f.install(), "%v", f.Shim.Err)
	}
	if other := f.otherInstallation(); other != "" {
		return warn(f.install()+"; or look at that installation, without the flags", "%s, version %s, is not of the installation in %s", f.Shim.where(), f.Shim.Version, other)
	}
	return pass("%s, version %s", f.Shim.where(), f.Shim.Version)
}

// otherInstallation is the directory that is named and that the runtime's shim does not
// come from; empty: it comes from those that are.
func (f *Facts) otherInstallation() string {
	switch {
	case f.BinDir != "" && filepath.Dir(f.Shim.Path) != f.BinDir:
		return f.BinDir
	case f.LibDir != "" && f.LibDir != install.LibDirOf(f.Shim.Resolved) && !strings.HasPrefix(f.Shim.Resolved, f.LibDir+"/"):
		return f.LibDir
	}
	return ""
}

func (p Program) where() string {
	if p.Resolved != "" && p.Resolved != p.Path {
		return p.Path + " -> " + p.Resolved
	}
	return p.Path
}

func executorFound(f *Facts) Result {
	switch {
	case f.Shim.Resolved == "":
		return fail(f.install(), "there is no shim to look beside")
	case f.Executor.Err != nil:
		return fail(f.install(), "exec hooks in containers with a seccomp profile, or of other runtimes, cannot run: %v", f.Executor.Err)
	case f.Executor.Version.Text != f.Shim.Version.Text:
		return fail(f.install(), "%s is of version %s, the shim beside it of %s", f.Executor.Path, f.Executor.Version, f.Shim.Version)
	}
	return pass("%s, version %s", f.Executor.Path, f.Executor.Version)
}

func commandFits(f *Facts) Result {
	if f.Shim.Err == nil && f.Shim.Version.Text != f.Version {
		return warn("run the bookend of "+filepath.Dir(f.Shim.Resolved), "this command is of version %s, the shim of %s", f.Version, f.Shim.Version)
	}
	return pass("version %s", f.Version)
}

// shimOnPath is about ctr, nerdctl and Docker, which name the runtime by type.
func shimOnPath(f *Facts) Result {
	r, _ := f.runtime()
	switch {
	case f.ByName.Err != nil && (f.byTypeAlone() || r.Path == "" && r.Type == hooks.RuntimeType):
		return fail(f.install(), "the runtime's type leads nowhere: %v", f.ByName.Err)
	case f.ByName.Err != nil:
		return warn("link it from a directory of containerd's PATH, for ctr, nerdctl and Docker", "%v", f.ByName.Err)
	case f.Shim.Err == nil && f.ByName.Resolved != f.Shim.Resolved:
		return warn("remove one of the two", "%s is found by name, but runtime %q uses %s", f.ByName.Path, f.RuntimeName, f.Shim.Path)
	}
	return pass("%s leads to %s", hooks.RuntimeType, f.ByName.Path)
}
