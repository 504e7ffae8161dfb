/* The hook's cgroups, and the fork of the child into them. */
#include "joiner.h"

/* The cgroups to join: directories and their lists of processes. On v1 there is one
 * for each hierarchy, and the child joins all. On v2 it joins the first that it can. */
static struct { int dir, procs; } cgroups[64];
static size_t cgroup_count;

void open_cgroups(void)
{
	long err = -EINVAL;

	for each_string(path, plan, plan->cgroups) {
		long dir = sys(openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC), procs;

		procs = dir < 0 ? dir : sys(openat, dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (procs >= 0 && cgroup_count < sizeof(cgroups) / sizeof(*cgroups)) {
			cgroups[cgroup_count].dir = dir;
			cgroups[cgroup_count++].procs = procs;
			continue;
		}
		err = procs < 0 ? procs : -E2BIG;
		sys(close, procs);
		sys(close, dir);
		if (!(plan->flags & UNIFIED))
			fail(OPEN_CGROUP, err);
	}
	if (!cgroup_count)
		fail(OPEN_CGROUP, err);
}

/* Moves the child: into every hierarchy of v1, into the first cgroup of v2 that takes
 * it. If the child is dead, it has died with the container's init. That is no failure
 * here: wait_for_child() tells of it. */
static long join_cgroups(int child)
{
	char pid[16];
	long err = -EINVAL;

	number(pid, child, "");
	for (size_t i = 0; i < cgroup_count; i++) {
		err = write_once(cgroups[i].procs, pid);
		if (err == -ESRCH)
			return 0;
		if (plan->flags & UNIFIED ? err == 0 : err < 0)
			break;
	}
	return err;
}

/* Forks the child and puts it into its cgroups. Returns its pid, and 0 in the child.
 * On cgroup v2 a kernel since 5.7 has it born there, which spares it a move that
 * waits for RCU. It never is a vfork: the parent must be able to end while the
 * child hangs. */
int fork_child(void)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	long pid, err;

	if (plan->flags & UNIFIED) {
		args.cgroup = cgroups[0].dir;
		pid = sys(clone3, &args, sizeof(args));
		if (pid >= 0)
			return pid;
	}
	pid = must(FORK, sys(clone, SIGCHLD, 0, 0, 0, 0));
	if (!pid)
		return 0;
	err = join_cgroups(pid);
	if (err < 0) {
		sys(kill, pid, SIGKILL);
		fail(JOIN_CGROUP, err);
	}
	return pid;
}

/* A directory that is open in the child when it looks for the command is a way out of
 * the container: /proc/self/fd/N/../../.. as the command. The same is true of the
 * container's own directories: where the container sees the host's processes, the
 * child has the privileges to follow a link such as /proc/1/root. */
void close_cgroups(void)
{
	for (size_t i = 0; i < cgroup_count; i++) {
		sys(close, cgroups[i].dir);
		sys(close, cgroups[i].procs);
	}
}
