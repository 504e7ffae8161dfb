/* What system calls tell of a process that no file of /proc needs to. */
#include <errno.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probe.h"

static void say_identity(void)
{
	uid_t u[3];
	gid_t g[3], groups[256];
	char text[4096] = "";
	int count = getgroups(256, groups);

	getresuid(&u[0], &u[1], &u[2]);
	getresgid(&g[0], &g[1], &g[2]);
	say("uids", "%u %u %u", u[0], u[1], u[2]);
	say("gids", "%u %u %u", g[0], g[1], g[2]);
	for (int i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), " %u", groups[i]);
	say("groups", "%d:%s", count, text);
	say("leads session", "%d", getsid(0) == getpid());
	say("leads group", "%d", getpgid(0) == getpid());
	say("has parent", "%d", getppid() != 0);
	say("secure", "%lu", getauxval(AT_SECURE));
	say("executed as", "%s", (char *)getauxval(AT_EXECFN));
}

static void say_place(void)
{
	char cwd[4096];
	struct utsname host;
	mode_t mask = umask(0);

	umask(mask);
	say("umask", "%o", mask);
	say("cwd", "%s", getcwd(cwd, sizeof cwd) ? cwd : result(-1));
	uname(&host);
	say("uname", "%s %s %s", host.nodename, host.machine, host.domainname);
	say("personality", "%x", (unsigned)personality(0xffffffff));
}

static void say_scheduling(void)
{
	unsigned char attr[64] = { 0 }, cpus[128] = { 0 };
	char text[257] = "";

	for (long i = 0, n = syscall(SYS_sched_getattr, 0, attr, sizeof attr, 0); i < 56; i++)
		snprintf(text + 2 * i, 3, "%02x", n < 0 ? 0xff : attr[i]);
	say("sched_getattr", "%s", text);
	for (long i = 0, n = syscall(SYS_sched_getaffinity, 0, sizeof cpus, cpus); i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", cpus[i]);
	say("affinity", "%s", text);
	say("policy", "%d", sched_getscheduler(0));
	say("ioprio", "%lx", syscall(SYS_ioprio_get, 1, 0));
	say("nice", "%d", getpriority(PRIO_PROCESS, 0));
}

static void say_limits(void)
{
	char key[32];

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		getrlimit(i, &limit);
		snprintf(key, sizeof key, "rlimit %d", i);
		say(key, "%lx %lx", limit.rlim_cur, limit.rlim_max);
	}
}

static void say_prctl(const char *key, int option, long argument)
{
	long value = prctl(option, argument, 0, 0, 0);

	if (value < 0)
		say(key, "%s", result(value));
	else
		say(key, "%ld", value);
}

/* say_prctl_into is say_prctl for what is written to an address. */
static void say_prctl_into(const char *key, int option)
{
	int value = 0;
	long r = prctl(option, &value, 0, 0, 0);

	say(key, "%s %d", result(r), value);
}

static void say_prctls(void)
{
	say_prctl("prctl dumpable", PR_GET_DUMPABLE, 0);
	say_prctl("prctl keepcaps", PR_GET_KEEPCAPS, 0);
	say_prctl("prctl securebits", PR_GET_SECUREBITS, 0);
	say_prctl("prctl no_new_privs", PR_GET_NO_NEW_PRIVS, 0);
	say_prctl("prctl timerslack", PR_GET_TIMERSLACK, 0);
	say_prctl("prctl thp disable", PR_GET_THP_DISABLE, 0);
	say_prctl("prctl timing", PR_GET_TIMING, 0);
	say_prctl("prctl mce kill", PR_MCE_KILL_GET, 0);
	say_prctl("prctl mdwe", 66 /* PR_GET_MDWE */, 0);
	say_prctl("prctl memory merge", 68 /* PR_GET_MEMORY_MERGE */, 0);
	say_prctl("prctl io flusher", PR_GET_IO_FLUSHER, 0);
	say_prctl("prctl seccomp", PR_GET_SECCOMP, 0);
	say_prctl("prctl store bypass", PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS);
	say_prctl("prctl indirect branch", PR_GET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH);
	say_prctl("prctl l1d flush", PR_GET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH);
	say_prctl_into("prctl pdeathsig", PR_GET_PDEATHSIG);
	say_prctl_into("prctl subreaper", PR_GET_CHILD_SUBREAPER);
	say_prctl_into("prctl tsc", PR_GET_TSC);
}

static void say_keyrings(void)
{
	static const struct {
		const char *key;
		int id;
	} rings[] = {
		{ "keyring thread", KEY_SPEC_THREAD_KEYRING },
		{ "keyring process", KEY_SPEC_PROCESS_KEYRING },
		{ "keyring session", KEY_SPEC_SESSION_KEYRING },
	};

	for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
		char text[256] = "";
		long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, rings[i].id, 0);
		long n = id < 0 ? -1 : syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof text - 1);

		say(rings[i].key, "%s %lx %s", result(n), id, text);
	}
}

static void say_signals(void)
{
	char text[256] = "";
	sigset_t set;
	struct itimerval timer = { 0 };

	sigemptyset(&set);
	sigprocmask(SIG_BLOCK, NULL, &set);
	for (int i = 1; i <= 64; i++) {
		struct { void *handler; unsigned long flags, restorer, mask; } action = { 0 };

		syscall(SYS_rt_sigaction, i, NULL, &action, 8);
		if (action.handler || sigismember(&set, i) == 1)
			snprintf(text + strlen(text), sizeof text - strlen(text), " %d", i);
	}
	say("signals not at rest", "%s", text);
	getitimer(ITIMER_REAL, &timer);
	say("timer", "%ld", (long)(timer.it_value.tv_sec + timer.it_value.tv_usec));
}

void say_process(void)
{
	say_identity();
	say_place();
	say_scheduling();
	say_limits();
	say_prctls();
	say_keyrings();
	say_signals();
}
