//go:build cgo && seccomp

// Catches the seccomp program that libcontainer loads, instead of loading it.
//
// The thread that calls bookend_catch gets a filter that hands its seccomp(2)
// and prctl(PR_SET_SECCOMP) to a listener. The listener is a thread of C: while
// libcontainer waits in a raw system call, the Go runtime takes its thread for
// running, and a garbage collection that began then would stop a listener
// written in Go and wait for libcontainer for ever.

#define _GNU_SOURCE // process_vm_readv
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "catch.h"

struct bookend_caught bookend_caught;

static int listener;
static sem_t installed; // posted once listener is set

#define DATA(field) ((unsigned)offsetof(struct seccomp_data, field))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the filter reads the lower half of an argument first");

static struct sock_filter notify[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 3, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(args[0])),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int install(void)
{
	struct sock_fprog program = {sizeof(notify) / sizeof(notify[0]), notify};
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

// copy reads this process's own memory as the kernel does: it returns an error for
// an invalid address.
static int copy(void *to, const void *from, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)from, size};
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : EFAULT;
}

// take copies the program at an address of this process. A load that a signal
// has interrupted comes again, and must be the same.
static int take(const void *at, unsigned flags, int by_prctl)
{
	struct bookend_caught now = {.flags = flags, .prctl = by_prctl, .loads = 1};
	struct sock_fprog program;
	if (copy(&program, at, sizeof(program)) != 0)
		return EFAULT;
	if (program.len == 0 || program.len > BPF_MAXINSNS)
		return EINVAL;
	now.length = program.len;
	if (copy(now.program, program.filter, program.len * sizeof(now.program[0])) != 0)
		return EFAULT;
	if (bookend_caught.loads == 0)
		bookend_caught = now;
	else if (memcmp(&bookend_caught, &now, sizeof(now)) != 0)
		return EBUSY; // a second program would have to be loaded as well
	return 0;
}

// answer decides what the call does. What is no load, and libseccomp's probes
// for flags, which pass NULL, are the kernel's to answer.
static void answer(const struct seccomp_notif *call, struct seccomp_notif_resp *reply)
{
	const struct seccomp_data *d = &call->data;
	int by_prctl = d->nr == SYS_prctl;
	unsigned load = by_prctl ? SECCOMP_MODE_FILTER : SECCOMP_SET_MODE_FILTER;
	reply->id = call->id;
	if ((unsigned)d->args[by_prctl] != load || d->args[2] == 0)
		reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		reply->error = -take((const void *)d->args[2], by_prctl ? 0 : d->args[1], by_prctl);
}

// serve answers until the thread that calls is gone, or something fails: then
// the kernel answers ENOSYS, and libcontainer reports it.
static void *serve(void *unused)
{
	(void)unused;
	while (sem_wait(&installed) != 0)
		;
	if (listener < 0)
		return NULL;
	for (;;) {
		struct pollfd wait = {listener, POLLIN, 0};
		if (poll(&wait, 1, -1) < 0 || !(wait.revents & POLLIN))
			break;
		struct seccomp_notif call = {0};
		struct seccomp_notif_resp reply = {0};
		// ENOENT: a signal has interrupted the call. It comes again.
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
			if (errno == ENOENT)
				continue;
			break;
		}
		answer(&call, &reply);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) != 0 && errno != ENOENT)
			break;
	}
	close(listener);
	return NULL;
}

// bookend_catch makes the calling thread, from now on, one whose program is put
// into bookend_caught. It may be called once. It returns an errno.
int bookend_catch(void)
{
	pthread_t thread;
	sigset_t all, mask;
	sem_init(&installed, 0, 0);
	// The listener takes no signals. This thread takes no SIGURG, by which the
	// Go runtime asks for it every 100 µs while a collection waits: on a busy
	// machine no answer would come between two of them.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	int failed = pthread_create(&thread, NULL, serve, NULL);
	sigaddset(&mask, SIGURG);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (failed)
		return failed;
	pthread_detach(thread);
	listener = install();
	// Without CAP_SYS_ADMIN it takes no_new_privs, of this thread alone, which
	// executes nothing. Nothing of it is in the program.
	if (listener < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		listener = install();
	failed = listener < 0 ? errno : 0;
	sem_post(&installed);
	return failed;
}
