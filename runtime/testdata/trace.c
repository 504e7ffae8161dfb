/* trace PID: tries what a debugger would, in a container, on one of its hooks:
 * prints for each way "attached" or the error's name, and holds what it has
 * attached to until it is killed. "trace PID quick" leaves out the attaching. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void say(const char *way, long result)
{
	printf("%s: %s\n", way, result < 0 ? strerrorname_np(errno) : "attached");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 1 ? atoi(argv[1]) : 0;
	char byte, path[64];
	/* Nothing is mapped at 1: EFAULT would say that the rest was allowed. */
	struct iovec here = { &byte, 1 }, there = { (void *)1, 1 };
	long pidfd;

	if (!pid)
		return 2;
	say("process_vm_readv", process_vm_readv(pid, &here, 1, &there, 1, 0));
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	say("mem", open(path, O_RDWR));
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	say("exe", open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	say("root", open(path, O_PATH));
	snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
	say("fd", open(path, O_PATH));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	say("pidfd_getfd", pidfd < 0 ? pidfd : syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	if (argc > 2)
		return 0;
	say("seize", ptrace(PTRACE_SEIZE, pid, 0, 0));
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0)
		pause();
	return 0;
}
