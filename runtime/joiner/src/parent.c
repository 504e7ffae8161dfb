/* What the parent does, on the host and then in the container's namespaces. */
#include "joiner.h"

void read_plan(void)
{
	struct stat st;
	long seals = sys(fcntl, PLAN_FD, F_GET_SEALS);

	/* A hook whose command or interpreter is /proc/self/exe executes this program
	 * again, confined and without a plan as its stdin. It does nothing then. */
	if (seals < 0 || !(seals & F_SEAL_WRITE) || !(seals & F_SEAL_SHRINK) ||
	    sys(fstat, PLAN_FD, &st) < 0)
		leave(126);
	plan = (const struct plan *)must(READ_PLAN,
		sys(mmap, 0, st.st_size, PROT_READ, MAP_PRIVATE, PLAN_FD, 0));
	if (!plan_ok(plan, st.st_size))
		fail(READ_PLAN, -EINVAL);
	/* PLAN_FD stays open until open_stdin() replaces it: no other file may get
	 * its number. */
}

/* Makes sure that the hook gets no descriptor but 0, 1 and 2, whatever the shim left
 * open, and that the parent survives a shim that has closed its end of a pipe. */
void prepare(void)
{
	static const uint64_t ignore[4] = { 1 /* SIG_IGN */ };

	must(READ_PLAN, sys(close_range, FIRST_FREE_FD, ~0u, 0));
	has_null = sys(fcntl, NULL_FD, F_GETFD) >= 0;
	for (int fd = START_FD; fd < FIRST_FREE_FD; fd++) /* else the next file that is opened gets the number */
		if (sys(fcntl, fd, F_GETFD) < 0)
			sys(dup3, PLAN_FD, fd, O_CLOEXEC);
	for (int fd = NEWS_FD; fd < FIRST_FREE_FD; fd++)
		sys(fcntl, fd, F_SETFD, FD_CLOEXEC);
	sys(rt_sigaction, SIGPIPE, ignore, 0, 8);
	sys(prctl, PR_SET_NAME, "bookend-joiner", 0, 0, 0);
	proc_fd = must(OPEN_PROC, sys(openat, AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
	must(OPEN_PROC, sys(newfstatat, proc_fd, "self/exe", &own_file, 0));
}

/* Fields of /proc/<pid>/stat, counted from the one after the name. proc(5) calls them
 * 9 and 22. */
enum { STAT_FLAGS = 6, STAT_START_TIME = 19 };

static int stat_field(int pid, int field, uint64_t *value)
{
	char path[32], *s, *end;
	long fd, n;

	number(path, pid, "/stat");
	fd = sys(openat, proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	n = sys(read, fd, buffer, sizeof(buffer) - 1);
	sys(close, fd);
	if (n <= 0)
		return n ? n : -ESRCH;
	buffer[n] = 0;
	for (end = buffer + n; end > buffer && *end != ')';)
		end--;
	for (s = end; field >= 0; field--) {
		while (*s && *s != ' ')
			s++;
		if (*s)
			s++;
	}
	for (*value = 0; *s >= '0' && *s <= '9'; s++)
		*value = *value * 10 + (*s - '0');
	return 0;
}

/* Opens the init, and makes sure that it is the one of the plan. A process that was
 * given its pid before the pidfd was opened has another start time. A pid that is
 * given away later does not matter to a pidfd. */
int open_init(void)
{
	int fd = must(OPEN_INIT, sys(pidfd_open, plan->init_pid, 0)), err;
	uint64_t start;

	err = stat_field(plan->init_pid, STAT_START_TIME, &start);
	must(CHECK_INIT, err == -ENOENT ? -ESRCH : err);
	if (start != plan->init_start)
		fail(CHECK_INIT, -ESRCH);
	return fd;
}

/* Raises hard limits. That takes the host's privileges: in a user namespace the child
 * has them no more. */
void raise_limits(void)
{
	const struct rlim *want = at(plan, plan->rlimits);

	for (size_t i = 0; i < limit_count(plan); i++) {
		uint64_t limit[2]; /* soft, hard */

		must(RAISE_LIMITS, sys(prlimit64, 0, want[i].resource, 0, limit));
		if (want[i].hard <= limit[1])
			continue;
		limit[1] = want[i].hard;
		must(RAISE_LIMITS, sys(prlimit64, 0, want[i].resource, limit, 0));
	}
}

/* Comes before join_namespaces(): an undumpable process may not write its own. */
void set_oom_score(void)
{
	if (plan->oom_score_adj.len)
		must(OOM_SCORE, write_once(sys(openat, proc_fd, "self/oom_score_adj", O_WRONLY | O_CLOEXEC),
					   text(plan, plan->oom_score_adj)));
}

/* Joins the namespaces that the container's configuration lists, in one call. The
 * pid namespace holds for children only. From here on the process sees the
 * container's files, and of the host only what it has open. */
void join_namespaces(int init)
{
	must(UNDUMPABLE, sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0));
	must(JOIN_NAMESPACES, sys(setns, init, plan->namespaces));
	if (!(plan->namespaces & CLONE_NEWUSER))
		return;
	must(BECOME_ROOT, sys(setresuid, 0, 0, 0));
	sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0); /* the change of ids may have undone it */
}

#define PF_FORKNOEXEC 0x40 /* of the kernel: the process has executed nothing since its fork */

/* Waits until the child has ended, and tells the shim how. It tells that once the
 * child is reaped, because the child's cgroup is empty then. */
void wait_for_child(int child)
{
	struct report r, failed = { 0, 0 };
	long n;
	int ready = 0, status = 0;
	uint64_t flags = 0;

	do {
		n = sys(read, to_parent[0], &r, sizeof(r));
		if (n == sizeof(r) && r.step == READY)
			ready = 1;
		else if (n == sizeof(r))
			failed = r;
	} while (n == sizeof(r) || n == -EINTR);
	/* The pipe has closed: the child has executed the command, or is dead. A
	 * zombie's flags tell which, so it is not reaped yet. If they cannot be read, a
	 * child that was ready counts as the command. */
	while (sys(waitid, P_PID, child, 0, WEXITED | WNOWAIT, 0) == -EINTR)
		;
	if (stat_field(child, STAT_FLAGS, &flags) < 0)
		flags = ready ? 0 : PF_FORKNOEXEC;
	do
		n = sys(wait4, child, &status, 0, 0);
	while (n == -EINTR);
	if (n < 0) /* another process has reaped it: its status is unknown */
		leave(1);
	if (failed.step)
		news(FAILED, failed.step, failed.error);
	else
		news(ENDED, !!(flags & PF_FORKNOEXEC), status);
}
