package doctor

import (
	"cmp"

	"bookend.dev/bookend/cmd/internal/program"
	"bookend.dev/bookend/hooks"
)

func runcFound(f *Facts) Result {
	if f.Runc.Err != nil {
		return fail("install runc, or set BinaryName in the runtime's options", "%v", f.Runc.Err)
	}
	return pass("%s, version %s", f.Runc.Path, f.Runc.Version)
}

// execEntered tells how exec hooks get into containers of the runtime, for all
// that can be told without one. What a container's own configuration may change
// is in its log and records.
func execEntered(f *Facts) Result {
	const slower = "exec hooks go through the runtime's own exec, which is slower: "
	switch {
	case f.Entry == hooks.EntryRuntime:
		return pass("exec hooks go through the runtime's own exec: the node's configuration says so")
	case f.Joiner == "":
		return warn(f.install(), "there is no shim that says whether it has the joiner")
	case f.Joiner != hooks.JoinerReady:
		return warn("build the shim by make build; where memory may not be executed, set the sysctl vm.memfd_noexec to 1", slower+"%s", f.Joiner)
	case f.KernelErr == nil && f.Kernel.Older(joinMajor, joinMinor):
		return warn("upgrade the kernel", slower+"Linux %s is too old", f.Kernel)
	case f.Runc.Err != nil:
		return warn("install runc, or set BinaryName in the runtime's options", "there is no runtime to ask what it is")
	case f.IdentityErr != nil:
		return warn("find out why it does not answer", slower+"%v", f.IdentityErr)
	case !f.Identity.Plain:
		return warn("nothing, if this runtime is meant", slower+"%s", f.Identity.Reason)
	}
	return pass("exec hooks are run by the joiner, in containers of %s %s", f.Identity.Name, f.Identity.Version)
}

// seccompFits compares what compiles profiles for hooks with what compiles them
// for containers. Where the two may differ, hooks go another, slower way.
func seccompFits(f *Facts) Result {
	const build = "build bookend-exec against the runtime's libseccomp, or live with slower exec hooks"
	ours, theirs := f.Compiler.Libseccomp, f.Identity.Libseccomp
	switch {
	case f.Executor.Path == "" || f.Executor.Err != nil:
		return pass("there is no bookend-exec to compare the runtime with")
	case f.Runc.Err != nil || f.IdentityErr != nil || !f.Identity.Plain:
		return pass("libseccomp %s and runc %s, to be compared with runc and crun only", cmp.Or(ours, "unknown"), cmp.Or(f.Compiler.Runc.Text, "unknown"))
	case ours == "" || ours == "none":
		return warn("build bookend-exec with the tag seccomp", "bookend-exec has no libseccomp: hooks with a seccomp profile go through the runtime's own exec")
	case theirs == "":
		return warn(build, "the runtime does not name its libseccomp: hooks go through its own exec if their profile has a name that libseccomp %s of bookend-exec does not know", ours)
	case ours != theirs && olderText(ours, theirs):
		return warn(build, "libseccomp %s of bookend-exec is older than %s of the runtime: hooks go through the runtime's own exec if their profile has a name that the older one does not know", ours, theirs)
	case ours != theirs:
		return warn(build, "libseccomp %s of bookend-exec is newer than %s of the runtime: hooks with a seccomp profile go through the runtime's own exec", ours, theirs)
	case f.Identity.Name == "runc" && f.Compiler.Runc.Older(f.Runc.Version.Major, f.Runc.Version.Minor):
		return warn("upgrade bookend", "the runtime is runc %s, profiles of hooks are compiled by the code of runc %s: what the newer one has learnt of them is missing", f.Runc.Version, cmp.Or(f.Compiler.Runc.Text, "an unknown version"))
	}
	return pass("libseccomp %s is the runtime's, the code is that of runc %s", ours, f.Compiler.Runc)
}

// olderText compares versions down to the patch level. One that cannot be read
// is the newer one: that is the slower way.
func olderText(a, b string) bool {
	va, errA := program.ParseVersion(a)
	vb, errB := program.ParseVersion(b)
	return errA == nil && errB == nil && va.Compare(vb) < 0
}
