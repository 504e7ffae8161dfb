//go:build linux && cgo

// The gate: what a staged hook's process runs between the end of
// libcontainer's work and the hook's command. gate.go says what surrounds it.
//
// It is this very binary, executed inside the container as
//
//	argv  /proc/self/fd/3 bookend-gate <the hook's argv>
//	3     this binary    4  the gate's pipe    5  what became of it
//
// with the hook's own environment, credentials, directory and confinement. It
// waits for one byte on its pipe and executes the hook's command; at the end of
// the file it exits. On 5 it writes a byte 0 when it has come as far as
// waiting, and the errno of whatever it cannot do.
//
// Everything runs in a constructor, with a priority that no other has: neither
// libcontainer's own, which goes by the environment, nor Go may see a process
// whose environment is the container's to choose.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { exe_fd = 3, pipe_fd = 4, report_fd = 5 };

static const char exe_path[] = "/proc/self/fd/3";
static const char gate_name[] = "bookend-gate";

static void say(unsigned char what)
{
	while (write(report_fd, &what, 1) < 0 && errno == EINTR)
		;
}

static _Noreturn void refuse(int err)
{
	say((unsigned char)err);
	_exit(255);
}

// executable asks what the search for a command asks of each candidate: 0, or
// the errno that rules it out. The C library must not help here: it would
// guess at rights where the kernel knows.
static int executable(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
#ifdef SYS_faccessat2
	if (syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return errno;
	return 0;
#else
	return ENOSYS;
#endif
}

static _Noreturn void become(const char *path, char **argv, char **envp)
{
	do
		execve(path, argv, envp);
	while (errno == EINTR);
	refuse(errno);
}

// clean tells whether a directory of PATH is absolute and means the same to
// those who take names apart before the kernel does.
static int clean(const char *dir, size_t len)
{
	if (len == 0 || dir[0] != '/' || (len > 1 && dir[len - 1] == '/'))
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (dir[i] != '/')
			continue;
		size_t n = 0;
		while (i + 1 + n < len && dir[i + 1 + n] != '/')
			n++;
		if (len > 1 && (n == 0 || (dir[i + 1] == '.' && (n == 1 || (n == 2 && dir[i + 2] == '.')))))
			return 0;
	}
	return 1;
}

// search executes the first candidate on PATH. Wherever it would have to
// decide something, it refuses: the hook is run without a gate then, and comes
// to what it would have come to.
static _Noreturn void search(char **argv, char **envp)
{
	const char *name = argv[0], *dir = NULL;
	char path[PATH_MAX];
	size_t name_len = strlen(name);

	for (char **e = envp; *e && !dir; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			dir = *e + 5;
	if (name_len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		refuse(ENOENT);
	while (dir && *dir) {
		const char *end = strchrnul(dir, ':');
		size_t len = (size_t)(end - dir);
		if (!clean(dir, len))
			refuse(ENOENT);
		if (len == 1)
			len = 0; // the root, whose slash is added below
		if (len + 1 + name_len + 1 <= sizeof(path)) {
			memcpy(path, dir, len);
			path[len] = '/';
			memcpy(path + len + 1, name, name_len + 1);
			int err = executable(path);
			if (err == 0)
				become(path, argv, envp);
			if (err == ENOSYS || err == EPERM)
				refuse(err);
		}
		dir = *end ? end + 1 : end;
	}
	refuse(ENOENT);
}

// prepare leaves nothing of the gate to the command, and makes every system
// call that is still to come once: a seccomp profile that forbids one must show
// now, while it is early enough to do without a gate.
static void prepare(void)
{
	for (int fd = exe_fd; fd <= report_fd; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			refuse(errno);
	// Nothing else in the container may look into the process, or take its
	// descriptors; execve(2) ends both this and the name.
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		refuse(errno);
	prctl(PR_SET_NAME, gate_name, 0, 0, 0);
	int err = executable("/proc/self/exe");
	if (err != 0 && err != EACCES && err != ENOSYS)
		refuse(err);
}

static void await(void)
{
	char go;
	for (;;) {
		ssize_t n = read(pipe_fd, &go, 1);
		if (n == 1)
			return;
		if (n == 0)
			_exit(0);
		if (errno != EINTR)
			refuse(errno);
	}
}

__attribute__((constructor(101))) static void gate(int argc, char **argv, char **envp)
{
	if (argc < 3 || strcmp(argv[0], exe_path) != 0 || strcmp(argv[1], gate_name) != 0)
		return;
	prepare();
	say(0);
	await();
	argv += 2;
	if (strchr(argv[0], '/'))
		become(argv[0], argv, envp);
	search(argv, envp);
}
