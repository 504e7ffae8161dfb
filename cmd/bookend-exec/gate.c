//go:build cgo && linux && (amd64 || arm64)

// The gate: what a staged hook's process runs between the end of
// libcontainer's work and the hook's command. gate.go makes a program of it and
// says what surrounds it. It is executed inside the container as
//
//	argv  /proc/self/fd/3 bookend-gate <the hook's argv>
//	3     itself    4  the gate's pipe    5  what became of it
//
// with the hook's own environment, credentials, directory and confinement. It
// waits for one byte on its pipe and executes the hook's command; at the end of
// the file it exits. On 5 it writes a byte 0 when it has come as far as
// waiting, and the errno of whatever it cannot do.
//
// All of it lies in one section that is taken out of this binary and run by
// itself. So it MUST NOT refer to anything outside: no library, no constant
// that needs a place in memory, hence no string; bytes are read as volatile,
// lest the compiler see a strlen or memcpy in a loop and call it.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECTION "bookend_gate"
#define INLINE static inline __attribute__((always_inline))

enum { exe_fd = 3, pipe_fd = 4, report_fd = 5 };

// The entry: hands the initial stack (argc, argv, envp) on.
#if defined(__x86_64__)
__asm__(".pushsection " SECTION ",\"ax\",@progbits\n"
	".globl bookend_gate_entry\n"
	".hidden bookend_gate_entry\n"
	"bookend_gate_entry:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call bookend_gate_main\n"
	".popsection\n");

INLINE long sys(long nr, long a, long b, long c, long d)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
__asm__(".pushsection " SECTION ",\"ax\",%progbits\n"
	".globl bookend_gate_entry\n"
	".hidden bookend_gate_entry\n"
	"bookend_gate_entry:\n"
	"	mov x29, xzr\n"
	"	mov x0, sp\n"
	"	bl bookend_gate_main\n"
	".popsection\n");

INLINE long sys(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = 0;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}
#endif

INLINE char at(const char *s, size_t i) { return ((const volatile char *)s)[i]; }

INLINE size_t length(const char *s)
{
	size_t n = 0;
	while (at(s, n))
		n++;
	return n;
}

_Noreturn INLINE void leave(int code)
{
	for (;;)
		sys(SYS_exit_group, code, 0, 0, 0);
}

INLINE void say(int what)
{
	volatile char c = (char)what;
	while (sys(SYS_write, report_fd, (long)&c, 1, 0) == -EINTR)
		;
}

_Noreturn INLINE void refuse(long err)
{
	say((int)-err);
	leave(255);
}

// executable asks what the search for a command asks of each candidate: 0, or
// the negative errno that rules it out.
INLINE long executable(const char *path)
{
	struct stat st;
	long err = sys(SYS_newfstatat, AT_FDCWD, (long)path, (long)&st, 0);
	if (err < 0)
		return err;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return sys(SYS_faccessat2, AT_FDCWD, (long)path, X_OK, AT_EACCESS);
}

_Noreturn INLINE void become(const char *path, char **argv, char **envp)
{
	long err;
	do
		err = sys(SYS_execve, (long)path, (long)argv, (long)envp, 0);
	while (err == -EINTR);
	refuse(err);
}

// clean tells whether a directory of PATH is absolute and means the same to
// those who take names apart before the kernel does.
INLINE int clean(const char *dir, size_t len)
{
	if (len == 0 || at(dir, 0) != '/')
		return 0;
	if (len == 1)
		return 1;
	for (size_t i = 0; i < len; i++) {
		size_t n = 0;
		if (at(dir, i) != '/')
			continue;
		while (i + 1 + n < len && at(dir, i + 1 + n) != '/')
			n++;
		if (n == 0 || (at(dir, i + 1) == '.' && (n == 1 || (n == 2 && at(dir, i + 2) == '.'))))
			return 0;
	}
	return 1;
}

INLINE const char *path_of(char **envp)
{
	for (; *envp; envp++) {
		const char *e = *envp;
		if (at(e, 0) == 'P' && at(e, 1) == 'A' && at(e, 2) == 'T' && at(e, 3) == 'H' && at(e, 4) == '=')
			return e + 5;
	}
	return NULL;
}

// search executes the first candidate on PATH. Wherever it would have to
// decide something, it refuses: the hook is run without a gate then, and comes
// to what it would have come to.
_Noreturn INLINE void search(char **argv, char **envp)
{
	const char *name = argv[0], *dir = path_of(envp);
	size_t name_len = length(name);
	volatile char path[PATH_MAX];

	if (name_len == 0 || (at(name, 0) == '.' && (name_len == 1 || (name_len == 2 && at(name, 1) == '.'))))
		refuse(-ENOENT);
	while (dir && at(dir, 0)) {
		size_t len = 0, end;
		while (at(dir, len) && at(dir, len) != ':')
			len++;
		end = len;
		if (!clean(dir, len))
			refuse(-ENOENT);
		if (len == 1)
			len = 0; // the root, whose slash is added below
		if (len + 1 + name_len + 1 <= sizeof(path)) {
			for (size_t i = 0; i < len; i++)
				path[i] = at(dir, i);
			path[len] = '/';
			for (size_t i = 0; i <= name_len; i++)
				path[len + 1 + i] = at(name, i);
			long err = executable((const char *)path);
			if (err == 0)
				become((const char *)path, argv, envp);
			if (err == -ENOSYS || err == -EPERM)
				refuse(err);
		}
		dir += end;
		if (at(dir, 0))
			dir++;
	}
	refuse(-ENOENT);
}

// prepare leaves nothing of the gate to the command, and makes every system
// call that is still to come once: a seccomp profile that forbids one must show
// now, while it is early enough to do without a gate.
INLINE void prepare(const char *self)
{
	volatile unsigned long long name[2];
	long err = 0;

	for (int fd = exe_fd; fd <= report_fd && err >= 0; fd++)
		err = sys(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC, 0);
	if (err < 0)
		refuse(err);
	// Nothing else in the container may look into the process, or take its
	// descriptors; execve(2) ends both this and the name.
	err = sys(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0);
	if (err < 0)
		refuse(err);
	name[0] = 0x2d646e656b6f6f62; // "bookend-", the first byte last
	name[1] = 0x65746167;         // "gate"
	sys(SYS_prctl, PR_SET_NAME, (long)name, 0, 0);
	err = executable(self);
	if (err < 0)
		refuse(err);
}

INLINE void await(void)
{
	volatile char go;
	for (;;) {
		long n = sys(SYS_read, pipe_fd, (long)&go, 1, 0);
		if (n == 1)
			return;
		if (n == 0)
			leave(0);
		if (n != -EINTR)
			refuse(n);
	}
}

__attribute__((section(SECTION), used, noinline, visibility("hidden"))) _Noreturn void bookend_gate_main(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + stack[0] + 1;

	if (stack[0] < 3)
		leave(255);
	prepare(argv[0]);
	say(0);
	await();
	argv += 2;
	for (size_t i = 0; at(argv[0], i); i++)
		if (at(argv[0], i) == '/')
			become(argv[0], argv, envp);
	search(argv, envp);
}

// What gate.go takes: the linker names the ends of the section.
extern const char __start_bookend_gate[] __attribute__((visibility("hidden")));
extern const char __stop_bookend_gate[] __attribute__((visibility("hidden")));
extern const char bookend_gate_entry[] __attribute__((visibility("hidden")));

const char *bookend_gate_code(void) { return __start_bookend_gate; }
size_t bookend_gate_size(void) { return (size_t)(__stop_bookend_gate - __start_bookend_gate); }
size_t bookend_gate_offset(void) { return (size_t)(bookend_gate_entry - __start_bookend_gate); }
