/* What the child takes on and gives up before it changes its user. */
#include "joiner.h"

/* Waits for a byte. Exits at the end of the file: no one is left to write it. */
void await_byte(int fd)
{
	char byte;
	long n;

	do
		n = sys(read, fd, &byte, 1);
	while (n == -EINTR);
	if (n != 1)
		leave(1);
}

/* From here on no process of the container can trace the child, and the child dies
 * with the parent. A change of ids undoes the second, and the first where the sysctl
 * fs.suid_dumpable says so. A parent that has died already has left its pipe closed. */
void protect(void)
{
	char byte;

	sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (sys(read, to_child[0], &byte, 1) != -EAGAIN)
		leave(1);
}

/* Gives every signal its default action. The shim is a Go program: what its own
 * parents ignored, its children ignore. */
static void reset_signals(void)
{
	static const uint64_t none[8]; /* a mask, and a struct sigaction of SIG_DFL */

	for (int sig = 1; sig <= 64; sig++)
		sys(rt_sigaction, sig, none, 0, 8);
	sys(rt_sigprocmask, SIG_SETMASK, none, 0, 8);
}

/* Gives up what the hook must not inherit from the shim: signals, session, group,
 * cgroup namespace, CPUs. runc does the last four in stage 2 of nsexec and before
 * "procReady". */
void inherit_nothing(void)
{
	reset_signals();
	must(SESSION, sys(setsid));
	must(GID, sys(setgid, 0)); /* in a user namespace the shim's is another */
	protect();
	if (plan->flags & OWN_CGROUPNS)
		must(CGROUP_NAMESPACE, sys(unshare, CLONE_NEWCGROUP));
	/* All CPUs: the kernel takes out those that the cpuset does not allow. runc
	 * ignores a failure too. */
	memset(buffer, 0xff, 8192);
	sys(sched_setaffinity, 0, 8192, buffer);
}

/* Writes a label through the host's /proc: the container's can be another file
 * system. */
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

void join_keyring(void)
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

void set_attributes(void)
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

void set_labels(void)
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
	sys(close, proc_fd); /* the last directory that the child has open */
}

/* Opens the container's /dev/null as stdin if it is the null device, else takes the
 * one that the shim made. The node's own never gets into a container, whose root
 * could change the mode of its inode. */
void open_stdin(void)
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

/* Makes the array that execve wants: pointers to the strings of a list, one more, and
 * the NULL that mmap has put at the end. */
const char **pointers(struct part list, const char *more)
{
	size_t n = strings(plan, list), i = 0;
	const char **a = (const char **)must(EXEC,
		sys(mmap, 0, (n + 2) * sizeof(char *), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	for each_string(s, plan, list)
		a[i++] = s;
	a[i] = more;
	return a;
}

/* Comes after the last file that the joiner opens: a limit of files or memory is the
 * command's. runc's parent does this, at "procReady". */
void set_limits(void)
{
	const struct rlim *want = at(plan, plan->rlimits);

	for (size_t i = 0; i < limit_count(plan); i++) {
		uint64_t limit[2] = { want[i].soft, want[i].hard };

		must(LIMITS, sys(prlimit64, 0, want[i].resource, limit, 0));
	}
}

void load_seccomp(void)
{
	struct { uint16_t len; const void *filter; } program = {
		plan->seccomp.len / 8, at(plan, plan->seccomp) };

	if (!plan->seccomp.len)
		return;
	if (plan->flags & SECCOMP_BY_PRCTL)
		must(SECCOMP, sys(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
	else
		must(SECCOMP, sys(seccomp, SECCOMP_SET_MODE_FILTER, plan->seccomp_flags, &program));
}
