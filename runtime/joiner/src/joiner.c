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
 * "The init" is the container's first process, whose pid the plan has. Begin to
 * read at joiner(), the last function, and child(), above it: they call the others
 * in the order in which those are written. sys() is a system call; it and all
 * that is called "err" is a negative errno on failure.
 *
 * The order of steps is runc's, for each has its reason there: nsexec() in
 * libcontainer/nsenter/nsexec.c, then linuxSetnsInit.Init and finalizeNamespace
 * in setns_init_linux.go and init_linux.go. What differs is said where it does.
 */
#include "sys.h"
#include "plan.h"
#include "home.h"

enum { PLAN_FD, STDOUT_FD, STDERR_FD, NEWS_FD, GATE_FD, NULL_FD, FIRST_FREE_FD };

/* Where something went wrong; runtime/joiner/news.go has the same list. Up to
 * and with PLACE the command can still be run another way. */
enum step {
	READ_PLAN = 1, OPEN_PROC, OPEN_INIT, CHECK_INIT, OPEN_CGROUP, RAISE_LIMITS, OOM_SCORE,
	UNDUMPABLE, JOIN, BECOME_ROOT, MAKE_PIPES, FORK, PLACE,
	SESSION, CGROUP_NAMESPACE, KEYRING_LABEL, KEYRING, NO_NEW_PRIVILEGES, SCHEDULER, IO_PRIORITY,
	PERSONALITY, LIMITS, STDIN, LABEL, SECCOMP, BOUNDING_SET, GROUPS, GID, UID, CWD, CWD_OUTSIDE, CAPS,
	LOOK_UP, LOOK_UP_RELATIVE, EXEC, READY = 255,
};

enum kind { STARTED = 1, FAILED, ENDED };

/* What the parent tells the shim. */
struct news {
	uint32_t kind;
	uint32_t step;  /* FAILED: an enum step; ENDED: 1 if it never became the command */
	int32_t value;  /* STARTED: pid; FAILED: errno; ENDED: wait status */
};

/* What the child tells the parent. */
struct report { uint32_t step; int32_t error; };

static const struct plan *plan;
static int proc_fd;           /* the host's /proc */
static int has_null;          /* the shim gave a null device */
static struct stat self;      /* this program's file */
static int reports[2];        /* child to parent; the end of the file says: executed, or dead */
static int placed[2];         /* parent to child; the end of the file says: the parent is dead */
static char buffer[64 << 10]; /* for what is read or built, one thing at a time */

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

/* Writes a number as text, and ends it with what follows. */
static void number(char *to, uint32_t n, const char *then)
{
	char digits[10];
	size_t i = 0, len = 0;

	do
		digits[i++] = '0' + n % 10;
	while (n /= 10);
	while (i)
		to[len++] = digits[--i];
	memcpy(to + len, then, length(then) + 1);
}

static void news(enum kind kind, uint32_t step, long value)
{
	struct news n = { kind, step, value };

	sys(write, NEWS_FD, &n, sizeof(n));
}

/* Under a seccomp program that refuses it the end is a trap: it never returns. */
_Noreturn static void leave(int status)
{
	sys(exit_group, status);
	__builtin_trap();
}

/* The parent's end, before there is a child. */
_Noreturn static void give_up(enum step step, long error)
{
	news(FAILED, step, -error);
	leave(1);
}

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

/* ---- the parent ---- */

static void read_plan(void)
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
static void prepare(void)
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
static int open_init(void)
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

/* The cgroups to join: directories and their lists of processes. On v1 there is
 * one for each hierarchy, and all are needed. On v2 any one will do, and the
 * first is the best. */
static struct { int dir, procs; } cgroups[64];
static size_t cgroup_count;

static void open_cgroups(void)
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
			give_up(OPEN_CGROUP, err);
	}
	if (!cgroup_count)
		give_up(OPEN_CGROUP, err);
}

/* A directory that is open in the child when it looks for the command is a way
 * out of the container: /proc/self/fd/N/../../.. as the command. It holds for
 * the container's own files too: with all its privileges the child can follow a
 * link such as /proc/1/root, in a container that sees the host's processes. */
static void close_cgroups(void)
{
	for (size_t i = 0; i < cgroup_count; i++) {
		sys(close, cgroups[i].dir);
		sys(close, cgroups[i].procs);
	}
}

static size_t limit_count(void)
{
	return plan->rlimits.len / sizeof(struct rlim);
}

/* Hard limits can be raised with the host's privileges only. */
static void raise_limits(void)
{
	const struct rlim *want = at(plan, plan->rlimits);

	for (size_t i = 0; i < limit_count(); i++) {
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

static long write_once(long fd, const char *data)
{
	long n = fd < 0 ? fd : sys(write, fd, data, length(data));

	return n < 0 ? n : 0;
}

/* Joins the namespaces that the container's configuration lists, in one call. That
 * of pids is for children alone. From here on this process sees the container's
 * files, and the host's only by what it has open. */
static void join(int init)
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

/* Forks, into the cgroup where the kernel can: cgroup v2, 5.7. That spares the
 * child a move, which has to wait for RCU. It never is a vfork: the parent must
 * be able to end while the child hangs. */
static long fork_child(int *born_there)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	long pid = -ENOSYS;

	*born_there = 0;
	if (plan->flags & UNIFIED) {
		args.cgroup = cgroups[0].dir;
		pid = sys(clone3, &args, sizeof(args));
		*born_there = pid >= 0;
	}
	return pid >= 0 ? pid : sys(clone, SIGCHLD, 0, 0, 0, 0);
}

/* Moves the child: into every hierarchy of v1, into the first cgroup of v2 that
 * takes it. A child that is dead by now has died with the container's init, which
 * is no failure here: attend() tells of its end. */
static long place(int child)
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

#define PF_FORKNOEXEC 0x40 /* the kernel's flag: executed nothing since its fork */

/* Waits for the child's end and tells of it: after the child was reaped, for its
 * cgroup is empty then. */
static void attend(int child)
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

/* ---- the child, until execve ---- */

static void report(enum step step, long error)
{
	struct report r = { step, -error };

	sys(write, reports[1], &r, sizeof(r));
}

/* The child's end, before it is the hook. */
_Noreturn static void fail(enum step step, long error)
{
	report(step, error);
	leave(1);
}

static void must(enum step step, long err)
{
	if (err < 0)
		fail(step, err);
}

/* Waits for a byte. Its writer is gone if the file ends. */
static void read_or_leave(int fd)
{
	char byte;
	long n;

	do
		n = sys(read, fd, &byte, 1);
	while (n == -EINTR);
	if (n != 1)
		leave(1);
}

/* Nobody of the container gets at the child, which dies with the parent. A change
 * of ids undoes both: the first where the sysctl fs.suid_dumpable says so. A
 * parent that had died before has left the pipe closed. */
static void keep_apart(void)
{
	char byte;

	sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (sys(read, placed[0], &byte, 1) != -EAGAIN)
		leave(1);
}

/* All signals do what they do by default. The shim, a Go program, passes on
 * those that its own parents ignored. */
static void reset_signals(void)
{
	static const uint64_t none[8]; /* a mask, and a struct sigaction of SIG_DFL */

	for (int sig = 1; sig <= 64; sig++)
		sys(rt_sigaction, sig, none, 0, 8);
	sys(rt_sigprocmask, SIG_SETMASK, none, 0, 8);
}

/* What the hook must not have from the shim: signals, session, group, cgroup
 * namespace, CPUs. runc sees to the last four in stage 2 of nsexec and before its
 * "procReady". */
static void inherit_nothing(void)
{
	reset_signals();
	must(SESSION, sys(setsid));
	must(GID, sys(setgid, 0)); /* another one after a user namespace was joined */
	keep_apart();
	if (plan->flags & OWN_CGROUPNS)
		must(CGROUP_NAMESPACE, sys(unshare, CLONE_NEWCGROUP));
	/* All CPUs; the kernel takes out those that the cpuset does not allow. A
	 * failure is ignored, as in runc. */
	memset(buffer, 0xff, 8192);
	sys(sched_setaffinity, 0, 8192, buffer);
}

/* Labels are written through the host's /proc, as the container's can be
 * another file system; before the process gives that up. */
static long write_label(const char *file, const char *prefix, const char *label)
{
	size_t n = length(prefix);
	long err, fd = sys(openat, proc_fd, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return fd;
	if (n + length(label) >= sizeof(buffer))
		return -E2BIG;
	memcpy(buffer, prefix, n);
	memcpy(buffer + n, label, length(label) + 1);
	err = write_once(fd, buffer);
	sys(close, fd);
	return err;
}

static void join_keyring(void)
{
	long err;

	if (!plan->keyring.len)
		return;
	if (plan->key_label.len)
		must(KEYRING_LABEL, write_label("self/attr/keycreate", "", text(plan, plan->key_label)));
	err = sys(keyctl, KEYCTL_JOIN_SESSION_KEYRING, text(plan, plan->keyring));
	if (err != -ENOSYS)
		must(KEYRING, err);
}

static void set_attributes(void)
{
	if (plan->flags & NO_NEW_PRIVS)
		must(NO_NEW_PRIVILEGES, sys(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (plan->flags & SET_UMASK)
		sys(umask, plan->umask);
	if (plan->sched_attr.len)
		must(SCHEDULER, sys(sched_setattr, 0, at(plan, plan->sched_attr), 0));
	if (plan->flags & SET_IOPRIO)
		must(IO_PRIORITY, sys(ioprio_set, 1 /* IOPRIO_WHO_PROCESS, which runc takes for the group */, 0, plan->ioprio));
	if (plan->flags & SET_PERSONALITY)
		must(PERSONALITY, sys(personality, plan->personality));
}

static void set_labels(void)
{
	const char *profile = text(plan, plan->apparmor);

	if (plan->exec_label.len)
		must(LABEL, write_label("self/attr/exec", "", text(plan, plan->exec_label)));
	if (profile) {
		long err = write_label("self/attr/apparmor/exec", "exec ", profile);

		if (err == -ENOENT) /* before 5.1 */
			err = write_label("self/attr/exec", "exec ", profile);
		must(LABEL, err);
	}
	sys(close, proc_fd);
}

/* stdin is the container's /dev/null if that is the null device, else the one that
 * the shim gave. The node's own is never handed in: the container's root could
 * change the mode of its inode. */
static void open_stdin(void)
{
	struct stat st;
	long fd = sys(openat, AT_FDCWD, "/dev/null", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && sys(fstat, fd, &st) == 0 && (st.st_mode & S_IFMT) == S_IFCHR &&
	    st.st_rdev == ((1 << 8) | 3 /* device 1:3 */)) {
		sys(fcntl, fd, F_SETFL, O_RDONLY);
		must(STDIN, sys(dup3, fd, 0, 0));
	} else {
		must(STDIN, has_null ? sys(dup3, NULL_FD, 0, 0) : -EBADF);
	}
	if (fd >= 0)
		sys(close, fd);
}

/* Makes the array of pointers that execve wants of a list, with room for one more. */
static const char **array(struct part list, const char *more)
{
	size_t n = strings(plan, list), i = 0;
	long mem = sys(mmap, 0, (n + 2) * sizeof(char *), 3 /* READ, WRITE */, 0x22 /* PRIVATE, ANONYMOUS */, -1, 0);
	const char **a = (const char **)mem;

	if (mem < 0 && mem > -4096)
		fail(EXEC, mem);
	for each_string(s, plan, list)
		a[i++] = s;
	a[i] = more;
	return a;
}

/* Limits of files and memory are the command's: this comes after the last file
 * that the joiner opens. In runc the parent does it, at "procReady". */
static void set_limits(void)
{
	const struct rlim *want = at(plan, plan->rlimits);

	for (size_t i = 0; i < limit_count(); i++) {
		uint64_t limit[2] = { want[i].soft, want[i].hard };

		must(LIMITS, sys(prlimit64, 0, want[i].resource, limit, 0));
	}
}

static void load_seccomp(void)
{
	struct { uint16_t len; const void *filter; } program = {
		plan->seccomp.len / 8, at(plan, plan->seccomp) };

	if (!plan->seccomp.len)
		return;
	if (plan->flags & SECCOMP_BY_PRCTL)
		must(SECCOMP, sys(prctl, PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, &program, 0, 0));
	else
		must(SECCOMP, sys(seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, plan->seccomp_flags, &program));
}

static void drop_bounding_set(void)
{
	for (int cap = 0; (plan->flags & SET_CAPS) && cap < 64; cap++) {
		long err;

		if (plan->caps[BOUNDING] >> cap & 1)
			continue;
		err = sys(prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
		if (err == -EINVAL) /* beyond the last one */
			break;
		must(BOUNDING_SET, err);
	}
}

static void set_caps(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (!(plan->flags & SET_CAPS))
		return;
	for (int i = 0; i < 2; i++) {
		data[i].effective = plan->caps[EFFECTIVE] >> 32 * i;
		data[i].permitted = plan->caps[PERMITTED] >> 32 * i;
		data[i].inheritable = plan->caps[INHERITABLE] >> 32 * i;
	}
	must(CAPS, sys(capset, &header, data));
	sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap < 64; cap++) /* one that cannot be raised is left out, as in runc */
		if (plan->caps[AMBIENT] >> cap & 1)
			sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

static long change_dir(void)
{
	const char *dir = text(plan, plan->cwd);

	return dir ? sys(chdir, dir) : 0;
}

/* Becomes the user, as in runc's finalizeNamespace. A directory that only the
 * user may enter is entered after that. One that is outside of the root, which the
 * kernel calls "(unreachable)/...", is refused: CVE-2024-21626. */
static void become_user(void)
{
	long err = change_dir();

	if (err != -EACCES && err != -EPERM)
		must(CWD, err);
	drop_bounding_set();
	must(CAPS, sys(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0));
	if (plan->flags & SET_GROUPS)
		must(GROUPS, sys(setgroups, plan->groups.len / 4, at(plan, plan->groups)));
	must(GID, sys(setgid, plan->gid));
	must(UID, sys(setuid, plan->uid));
	keep_apart();
	if (err < 0)
		must(CWD, change_dir());
	must(CWD, sys(getcwd, buffer, 4096));
	if (buffer[0] != '/')
		fail(CWD_OUTSIDE, 0);
	must(CAPS, sys(prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0));
	set_caps();
}

/* Tells whether Go's exec.LookPath would take the file. This program's own is
 * refused: /proc/self/exe, for one. */
static long executable(const char *path)
{
	struct stat st;
	long err = sys(newfstatat, AT_FDCWD, path, &st, 0);

	if (err < 0)
		return err;
	if ((st.st_mode & S_IFMT) == S_IFDIR)
		return -EISDIR;
	if (st.st_dev == self.st_dev && st.st_ino == self.st_ino)
		return -EACCES;
	err = sys(faccessat2, AT_FDCWD, path, 1 /* X_OK */, AT_EACCESS);
	if (err == -ENOSYS || err == -EPERM)
		err = st.st_mode & 0111 ? 0 : -EACCES;
	return err;
}

/* Finds the command as runc does. If it is in a relative element of PATH that is an
 * error, as in Go (exec.ErrDot). */
static const char *look_up(void)
{
	for each_string(path, plan, plan->candidates) {
		long err = executable(path);

		if (!(plan->flags & BARE_NAME))
			must(LOOK_UP, err);
		if (err < 0)
			continue;
		if ((plan->flags & BARE_NAME) && *path != '/')
			fail(LOOK_UP_RELATIVE, 0);
		return path;
	}
	fail(LOOK_UP, -ENOENT);
}

_Noreturn static void child(void)
{
	const char **args, **env, *path;

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

/* ---- the start ---- */

_Noreturn void joiner(void)
{
	int born_there, init;
	long pid, err;

	read_plan();
	prepare();
	init = open_init();
	open_cgroups();
	raise_limits();
	join(init);
	err = sys(pipe2, reports, O_CLOEXEC);
	if (!err)
		err = sys(pipe2, placed, O_CLOEXEC);
	if (err < 0)
		give_up(MAKE_PIPES, err);
	pid = fork_child(&born_there);
	if (!pid)
		child();
	if (pid < 0)
		give_up(FORK, pid);
	err = born_there ? 0 : place(pid);
	if (err < 0) {
		sys(kill, pid, SIGKILL);
		give_up(PLACE, err);
	}
	news(STARTED, 0, pid);
	sys(write, placed[1], "", 1);
	/* What is left to the parent is to wait. */
	sys(close, STDOUT_FD);
	sys(close, STDERR_FD);
	sys(close, GATE_FD);
	sys(close, reports[1]);
	sys(close, placed[0]);
	close_cgroups();
	attend(pid);
	leave(0);
}
