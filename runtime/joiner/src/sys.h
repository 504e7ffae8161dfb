/* System calls without a C library. A hook's seccomp profile has to allow every call
 * that the joiner makes once the profile is loaded: a library would decide which
 * calls those are. sys() returns what the kernel returns: a negative errno on
 * failure. */
#ifndef SYS_H
#define SYS_H

#include <stddef.h>
#include <stdint.h>

#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/keyctl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include <linux/wait.h>

#ifndef S_ISUID /* <linux/stat.h> hides these from a C library's users */
#error "include <linux/stat.h> without a C library"
#endif

#if defined(__x86_64__)
static inline long call6(long n, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define START "xor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall joiner\n"
#elif defined(__aarch64__)
static inline long call6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#define START "mov x29,#0\n\tmov x30,#0\n\tmov x0,sp\n\tbl joiner\n"
#else
#error "the joiner is written for amd64 and arm64"
#endif

/* sys(name, up to six arguments) */
#define SYS7(n, a, b, c, d, e, f, ...) \
	call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(name, ...) SYS7(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* sys.c. The compiler calls the first two as well, for what it copies and clears. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
size_t length(const char *s);
void number(char *to, uint32_t n, const char *then);
long write_once(long fd, const char *data);

#endif
