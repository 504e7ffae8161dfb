/* The joiner runs one exec hook, a command, in a container that runs. It does
 * what `runc exec` does between reading its configuration and execve(2), from a
 * plan that bookend's shim has worked out (plan.h), and nothing else.
 * ARCHITECTURE.md, "An exec hook", has the whole of it.
 *
 *	shim ── parent            joins the container's namespaces, forks, waits, tells the
 *	          │               shim; its own pid stays in the host's pid namespace
 *	          └── child       takes on the container's confinement, becomes the hook
 *
 * The shim starts it with
 *
 *	0  the plan, a sealed file in memory
 *	1  the hook's stdout
 *	2  the hook's stderr
 *	3  a pipe, to tell what becomes of the hook in struct news
 *	4  a pipe, if the plan says GATED: the hook waits until it reads a byte, and
 *	   is given up at the end of the file
 *	5  a null device, should the container have none; may be missing
 *
 * "The init" is the container's first process, whose pid the plan has. joiner() and
 * child() below are all that happens, in its order. They call functions of parent.c,
 * cgroup.c, child.c, user.c and home.c, where those stand in the order of the calls.
 * sys() is a system call; it and all that is called "err" is a negative errno on failure.
 *
 * The order of steps is runc's, for each has its reason there: nsexec() in
 * libcontainer/nsenter/nsexec.c, then linuxSetnsInit.Init and finalizeNamespace
 * in setns_init_linux.go and init_linux.go. What differs is said where it does.
 */
#include "joiner.h"

const struct plan *plan;
int is_child;          /* this is the child */
int proc_fd;           /* the host's /proc */
int has_null;          /* the shim gave a null device */
struct stat self;      /* this program's file */
int reports[2];        /* child to parent; the end of the file says: executed, or dead */
int placed[2];         /* parent to child; the end of the file says: the parent is dead */
char buffer[64 << 10]; /* for what is read or built, one thing at a time */

_Noreturn static void child(void)
{
	const char **args, **env, *path;

	is_child = 1;
	sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sys(close, NEWS_FD);
	sys(close, reports[0]);
	sys(close, placed[1]);
	close_cgroups();
	read_or_leave(placed[0]); /* it is in its cgroups */
	sys(fcntl, placed[0], F_SETFL, O_RDONLY | O_NONBLOCK);
	inherit_nothing();
	join_keyring();
	set_attributes();
	set_labels();
	if (plan->flags & GATED)
		read_or_leave(GATE_FD);
	open_stdin();
	args = array(plan->args, NULL);
	env = array(plan->env, plan->flags & ADD_HOME ? home_variable(plan->uid) : NULL);
	set_limits();
	report(READY, 0);
	/* Without no_new_privs the load takes a privilege, so it comes before that
	 * is given up, and every call from here on is subject to it: those are some
	 * of the calls that runc makes there, and no others. With it, it comes last. */
	if (!(plan->flags & NO_NEW_PRIVS))
		load_seccomp();
	become_user();
	path = look_up();
	sys(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
	if (plan->flags & NO_NEW_PRIVS)
		load_seccomp();
	fail(EXEC, sys(execve, path, args, env));
}

_Noreturn void joiner(void)
{
	int init, pid;

	read_plan();
	prepare();
	init = open_init();
	open_cgroups();
	raise_limits();
	set_oom_score();
	join(init);
	must(MAKE_PIPES, sys(pipe2, reports, O_CLOEXEC));
	must(MAKE_PIPES, sys(pipe2, placed, O_CLOEXEC));
	pid = fork_child();
	if (!pid)
		child();
	news(STARTED, 0, pid);
	sys(write, placed[1], "", 1);
	/* From here on the parent only waits. */
	sys(close, STDOUT_FD);
	sys(close, STDERR_FD);
	sys(close, GATE_FD);
	sys(close, reports[1]);
	sys(close, placed[0]);
	close_cgroups();
	attend(pid);
	leave(0);
}
