#include "joiner.h"

void news(enum kind kind, uint32_t step, long value)
{
	struct news n = { kind, step, value };

	sys(write, NEWS_FD, &n, sizeof(n));
}

void report(enum step step, long error)
{
	struct report r = { step, -error };

	sys(write, reports[1], &r, sizeof(r));
}

/* Under a seccomp program that refuses it the end is a trap: it never returns. */
_Noreturn void leave(int status)
{
	sys(exit_group, status);
	__builtin_trap();
}

/* The parent's end, before there is a child. */
_Noreturn void give_up(enum step step, long error)
{
	news(FAILED, step, -error);
	leave(1);
}

/* The child's end, before it is the hook. */
_Noreturn void fail(enum step step, long error)
{
	report(step, error);
	leave(1);
}

void must(enum step step, long err)
{
	if (err < 0)
		fail(step, err);
}
