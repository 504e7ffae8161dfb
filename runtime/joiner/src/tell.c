/* What the joiner tells: the parent tells the shim, the child tells the parent. */
#include "joiner.h"

void news(enum kind kind, uint32_t step, long value)
{
	struct news n = { kind, step, value };

	sys(write, NEWS_FD, &n, sizeof(n));
}

void report(enum step step, long error)
{
	struct report r = { step, -error };

	sys(write, to_parent[1], &r, sizeof(r));
}

/* Never returns, even where the hook's seccomp program forbids to exit. */
_Noreturn void leave(int status)
{
	sys(exit_group, status);
	__builtin_trap();
}

/* Ends a process that cannot go on: the parent, before there is a child, or the
 * child, before it is the command. */
_Noreturn void fail(enum step step, long error)
{
	if (is_child)
		report(step, error);
	else
		news(FAILED, step, -error);
	leave(1);
}

/* Returns what a step has returned, unless that is an error. */
long must(enum step step, long value)
{
	if (value < 0)
		fail(step, value);
	return value;
}
