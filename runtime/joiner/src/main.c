/* The joiner runs one exec hook, a command, in a running container. bookend's shim
 * decides everything beforehand and writes it into a plan (plan.h). The joiner
 * carries the plan out: it does what `runc exec` does between reading its
 * configuration and execve(2).
 *
 *	shim ── parent            joins the container's namespaces, forks, waits, tells the
 *	          │               shim; its own pid stays in the host's pid namespace
 *	          └── child       takes on the container's confinement, becomes the hook
 *
 * The shim starts the parent with these descriptors:
 *
 *	0  the plan, a sealed file in memory
 *	1  the hook's stdout
 *	2  the hook's stderr
 *	3  a pipe, in which the parent tells the shim what happens (struct news)
 *	4  a pipe, if the plan says AWAIT_START: the child waits until it reads a byte,
 *	   and exits at the end of the file
 *	5  a null device, in case the container has none; may be missing
 *
 * joiner() and child(), in this file, are the program. They call functions of
 * parent.c, cgroup.c, child.c, user.c and home.c, which stand there in the order of
 * the calls, or above the function that calls them.
 *
 * "The init" is the container's first process. sys() makes a system call. What it
 * returns, and every variable named err, is a negative errno on failure.
 *
 * The order of the steps is runc's; each has its reason there. Read beside this:
 * nsexec() in libcontainer/nsenter/nsexec.c, then linuxSetnsInit.Init in
 * setns_init_linux.go and finalizeNamespace in init_linux.go. Comments and
 * ARCHITECTURE.md, "What comes from runc", say what differs.
 */
#include "joiner.h"

const struct plan *plan;
int is_child;
int proc_fd;
int has_null;
struct stat own_file;
int to_parent[2], to_child[2];
char buffer[64 << 10];

_Noreturn static void child(void);

/* The program: the way of the parent. */
_Noreturn void joiner(void)
{
	int init, pid;

	read_plan();
	prepare();
	init = open_init();
	open_cgroups();
	raise_limits();
	set_oom_score();
	join_namespaces(init);
	must(MAKE_PIPES, sys(pipe2, to_parent, O_CLOEXEC));
	must(MAKE_PIPES, sys(pipe2, to_child, O_CLOEXEC));
	pid = fork_child();
	if (!pid)
		child();
	news(STARTED, 0, pid);
	sys(write, to_child[1], "", 1);
	/* From here on the parent only waits. */
	sys(close, STDOUT_FD);
	sys(close, STDERR_FD);
	sys(close, START_FD);
	sys(close, to_parent[1]);
	sys(close, to_child[0]);
	close_cgroups();
	wait_for_child(pid);
	leave(0);
}

/* The way of the child. */
_Noreturn static void child(void)
{
	const char **args, **env, *path;

	is_child = 1;
	sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sys(close, NEWS_FD);
	sys(close, to_parent[0]);
	sys(close, to_child[1]);
	close_cgroups();
	await_byte(to_child[0]); /* the child is in its cgroups now */
	sys(fcntl, to_child[0], F_SETFL, O_RDONLY | O_NONBLOCK);
	inherit_nothing();
	join_keyring();
	set_attributes();
	set_labels();
	if (plan->flags & AWAIT_START)
		await_byte(START_FD);
	open_stdin();
	args = pointers(plan->args, NULL);
	env = pointers(plan->env, plan->flags & ADD_HOME ? home_variable(plan->uid) : NULL);
	set_limits();
	report(READY, 0);
	/* Without no_new_privs, loading takes a privilege that become_user() gives up.
	 * The profile has to allow every call from here on: runc makes these calls
	 * there too, and the joiner makes no others. With no_new_privs, loading is the
	 * last step. */
	if (!(plan->flags & NO_NEW_PRIVS))
		load_seccomp();
	become_user();
	path = look_up();
	sys(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
	if (plan->flags & NO_NEW_PRIVS)
		load_seccomp();
	fail(EXEC, sys(execve, path, args, env));
}
