/*
 * What the kernel, that is a seccomp program, answers to each system call. All
 * are called with arguments that none can use, by a child: one that dies, of a
 * signal or because the call is exit, is followed by another.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

enum { CALLS = 1000, PATIENCE = 20 /* seconds */ };

/* What has become of a call: an errno, DIED + signal, or one of these. */
enum { PENDING = 5000, OTHER, DIED = 6000 };

struct call {
	const char *key;
	long number, args[3];
};

/* Calls that the arguments -1 would let do something, or wait. */
static const struct call harmless[] = {
	{ .number = SYS_kill, .args = { 0x7fffffff, 0 } },
	{ .number = SYS_msgget, .args = { 0x7fffffff, 0 } },
	{ .number = SYS_semget, .args = { 0x7fffffff, 0, 0 } },
	{ .number = SYS_shmget, .args = { 0x7fffffff, 0, 0 } },
	{ .number = SYS_exit, .args = { 0 } },
	{ .number = SYS_exit_group, .args = { 0 } },
	{ .number = SYS_alarm, .args = { PATIENCE } },
};

/* Calls that profiles judge by their arguments. */
static const struct call judged[] = {
	{ "call socket unix", SYS_socket, { 1, 1, 0 } },
	{ "call socket vsock", SYS_socket, { 40, 1, 0 } },
	{ "call socket alg", SYS_socket, { 38, 5, 0 } },
	{ "call socket packet", SYS_socket, { 17, 3, 0 } },
	{ "call personality linux", SYS_personality, { 0, 0, 0 } },
	{ "call personality linux32", SYS_personality, { 8, 0, 0 } },
	{ "call personality no randomize", SYS_personality, { 0x40000, 0, 0 } },
	{ "call clone", SYS_clone, { SIGCHLD, 0, 0 } },
	{ "call clone uts", SYS_clone, { CLONE_NEWUTS | SIGCHLD, 0, 0 } },
	{ "call clone user", SYS_clone, { CLONE_NEWUSER | SIGCHLD, 0, 0 } },
	{ "call unshare uts", SYS_unshare, { CLONE_NEWUTS, 0, 0 } },
	{ "call setuid 0", SYS_setuid, { 0, 0, 0 } },
	{ "call setgid 0", SYS_setgid, { 0, 0, 0 } },
	{ "call x32 getpid", 0x40000000 | SYS_getpid, { 0, 0, 0 } },
};

static volatile short *answers; /* shared with the children */

static long call(long number, const long args[3])
{
	long r = syscall(number, args[0], args[1], args[2], -1L, -1L, -1L);

	/* What a fork has made is no longer needed. */
	if (r == 0 && (number == SYS_fork || number == SYS_clone))
		syscall(SYS_exit_group, 0);
	return r;
}

static short answer(long number, const long args[3])
{
	if (call(number, args) >= 0)
		return OTHER;
	return errno == EPERM || errno == EACCES || errno == ENOSYS ? (short)errno : OTHER;
}

static void arguments(long number, long args[3])
{
	args[0] = args[1] = args[2] = -1;
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (harmless[i].number == number)
			memcpy(args, harmless[i].args, sizeof harmless[i].args);
}

/* Not called: what would flush all disks, end in a signal frame that is none,
 * wait for ever, or share this stack. */
static int omitted(long number)
{
	return number == SYS_sync || number == SYS_rt_sigreturn || number == SYS_pause ||
	       number == SYS_vfork;
}

/* in_child runs f(from) in a child; its wait status, or -1 with errno. */
static int in_child(void (*f)(long), long from)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		alarm(PATIENCE);
		f(from);
		_exit(0);
	}
	return waitpid(pid, &status, 0) < 0 ? -1 : status;
}

static void sweep(long from)
{
	long args[3];

	for (long n = from; n < CALLS; n++) {
		if (omitted(n) || answers[n])
			continue;
		arguments(n, args);
		answers[n] = PENDING;
		answers[n] = answer(n, args);
	}
}

static void call_judged(long i)
{
	answers[CALLS] = answer(judged[i].number, judged[i].args);
}

#ifdef __x86_64__
/* As a program of another architecture would call it. */
static void call_i386(long number)
{
	__asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
	errno = (int)-number;
	answers[CALLS] = number >= 0 || number == -EINTR ? OTHER : (short)errno;
}
#endif

static const char *name(short answer)
{
	static char text[32];

	if (answer == OTHER)
		return "other";
	if (answer == PENDING)
		return "ended";
	if (answer < PENDING)
		return strerrorname_np(answer);
	snprintf(text, sizeof text, "SIG%s", sigabbrev_np(answer - DIED));
	return text;
}

static void say_one(const char *key, void (*f)(long), long argument)
{
	answers[CALLS] = PENDING;
	int status = in_child(f, argument);

	if (status < 0)
		say(key, "no child: %s", result(-1));
	else
		say(key, "%s", name(WIFSIGNALED(status) ? (short)(DIED + WTERMSIG(status)) : answers[CALLS]));
}

static int sweep_all(void)
{
	for (int again = 1; again;) {
		int status = in_child(sweep, 0);

		if (status < 0)
			return -1;
		again = WIFSIGNALED(status);
		for (long n = 0; n < CALLS; n++) {
			if (answers[n] != PENDING)
				continue;
			answers[n] = WIFSIGNALED(status) ? (short)(DIED + WTERMSIG(status)) : OTHER;
			again = 1;
		}
	}
	return 0;
}

/* say_ranges says the calls that were answered otherwise than the one before. */
static void say_ranges(void)
{
	char key[32];

	for (long n = 0, end; n < CALLS; n = end) {
		for (end = n + 1; end < CALLS && answers[end] == answers[n];)
			end++;
		if (answers[n] == OTHER)
			continue;
		for (long each = n; each < end && end - n < CALLS / 2; each++) {
			snprintf(key, sizeof key, "syscall %ld", each);
			say(key, "%s", answers[each] ? name(answers[each]) : "omitted");
		}
	}
}

void say_syscalls(void)
{
	answers = mmap(NULL, (CALLS + 1) * sizeof *answers, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answers == MAP_FAILED) {
		say("syscalls", "%s", result(-1));
		return;
	}
	if (sweep_all() < 0)
		say("syscalls", "no child: %s", result(-1));
	else
		say_ranges();
	for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
		say_one(judged[i].key, call_judged, (long)i);
#ifdef __x86_64__
	say_one("call i386 getpid", call_i386, 20);
#endif
}
