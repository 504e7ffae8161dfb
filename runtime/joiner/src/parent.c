#include "joiner.h"

/* Fields of /proc/<pid>/stat, counted from the one after the name: proc(5) has
 * them as 9 and 22. */
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

void read_plan(void)
{
	struct stat st;
	long p, seals = sys(fcntl, PLAN_FD, F_GET_SEALS);

	/* A hook whose command or interpreter is /proc/self/exe runs this program
	 * once more, confined and with no plan as its stdin: it does nothing then. */
	if (seals < 0 || !(seals & F_SEAL_WRITE) || !(seals & F_SEAL_SHRINK) ||
	    sys(fstat, PLAN_FD, &st) < 0)
		leave(126);
	p = sys(mmap, 0, st.st_size, 1 /* PROT_READ */, 2 /* MAP_PRIVATE */, PLAN_FD, 0);
	if (p < 0 && p > -4096)
		give_up(READ_PLAN, p);
	plan = (const struct plan *)p;
	if (!plan_ok(plan, st.st_size))
		give_up(READ_PLAN, -EINVAL);
	/* PLAN_FD stays open until it becomes the hook's stdin: nothing else may
	 * get its number. */
}

/* Sees to it that no descriptor but 0, 1 and 2 gets into the hook, whatever was
 * left open, and that the parent outlives a shim that does not listen. */
void prepare(void)
{
	static const uint64_t ignore[4] = { 1 /* SIG_IGN */ };
	long err = sys(close_range, FIRST_FREE_FD, ~0u, 0);

	if (err < 0)
		give_up(READ_PLAN, err);
	has_null = sys(fcntl, NULL_FD, F_GETFD) >= 0;
	for (int fd = GATE_FD; fd < FIRST_FREE_FD; fd++) /* or the next file that is opened gets the number */
		if (sys(fcntl, fd, F_GETFD) < 0)
			sys(dup3, PLAN_FD, fd, O_CLOEXEC);
	for (int fd = NEWS_FD; fd < FIRST_FREE_FD; fd++)
		sys(fcntl, fd, F_SETFD, FD_CLOEXEC);
	sys(rt_sigaction, SIGPIPE, ignore, 0, 8);
	sys(prctl, PR_SET_NAME, "bookend-joiner", 0, 0, 0);
	proc_fd = sys(openat, AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = proc_fd < 0 ? proc_fd : sys(newfstatat, proc_fd, "self/exe", &self, 0);
	if (err < 0)
		give_up(OPEN_PROC, err);
}

/* Opens the init, which must be the one that was planned for. A pid that is
 * used again before it is opened has another start time; one that is used
 * again later does not matter to a pidfd. */
int open_init(void)
{
	long fd = sys(pidfd_open, plan->init_pid, 0), err;
	uint64_t start;

	if (fd < 0)
		give_up(OPEN_INIT, fd);
	err = stat_field(plan->init_pid, STAT_START_TIME, &start);
	if (err < 0)
		give_up(CHECK_INIT, err == -ENOENT ? -ESRCH : err);
	if (start != plan->init_start)
		give_up(CHECK_INIT, -ESRCH);
	return fd;
}

/* Hard limits can be raised with the host's privileges only. */
void raise_limits(void)
{
	const struct rlim *want = at(plan, plan->rlimits);

	for (size_t i = 0; i < limit_count(plan); i++) {
		uint64_t limit[2]; /* soft, hard */
		long err = sys(prlimit64, 0, want[i].resource, 0, limit);

		if (!err && want[i].hard > limit[1]) {
			limit[1] = want[i].hard;
			err = sys(prlimit64, 0, want[i].resource, limit, 0);
		}
		if (err < 0)
			give_up(RAISE_LIMITS, err);
	}
}

/* Joins the namespaces that the container's configuration lists, in one call. That
 * of pids is for children alone. From here on this process sees the container's
 * files, and the host's only by what it has open. */
void join(int init)
{
	long err;

	if (plan->oom_score_adj.len) { /* an undumpable process may not write its own */
		err = write_once(sys(openat, proc_fd, "self/oom_score_adj", O_WRONLY | O_CLOEXEC),
				 text(plan, plan->oom_score_adj));
		if (err < 0)
			give_up(OOM_SCORE, err);
	}
	err = sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (err < 0)
		give_up(UNDUMPABLE, err);
	err = sys(setns, init, plan->namespaces);
	if (err < 0)
		give_up(JOIN, err);
	if (!(plan->namespaces & CLONE_NEWUSER))
		return;
	err = sys(setresuid, 0, 0, 0);
	if (err < 0)
		give_up(BECOME_ROOT, err);
	sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0); /* changed ids may have undone it */
}

#define PF_FORKNOEXEC 0x40 /* the kernel's flag: executed nothing since its fork */

/* Waits for the child's end and tells of it: after the child was reaped, for its
 * cgroup is empty then. */
void attend(int child)
{
	struct report r, failed = { 0, 0 };
	long n;
	int ready = 0, status = 0;
	uint64_t flags = 0;

	do {
		n = sys(read, reports[0], &r, sizeof(r));
		if (n == sizeof(r) && r.step == READY)
			ready = 1;
		else if (n == sizeof(r))
			failed = r;
	} while (n == sizeof(r) || n == -EINTR);
	/* The pipe has closed: the child has executed the command, or is dead. The
	 * flags of a zombie tell which, so it is not reaped yet. Where they cannot be
	 * read, a child that was ready is taken for the command. */
	while (sys(waitid, P_PID, child, 0, WEXITED | WNOWAIT, 0) == -EINTR)
		;
	if (stat_field(child, STAT_FLAGS, &flags) < 0)
		flags = ready ? 0 : PF_FORKNOEXEC;
	do
		n = sys(wait4, child, &status, 0, 0);
	while (n == -EINTR);
	if (n < 0) /* somebody else has its status: there is nothing to tell */
		leave(1);
	if (failed.step)
		news(FAILED, failed.step, failed.error);
	else
		news(ENDED, !!(flags & PF_FORKNOEXEC), status);
}
