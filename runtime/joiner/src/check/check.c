/* Lets a test feed the joiner's parsers, built with the sanitizers of a C
 * compiler. Each request is a letter, a length and that many bytes:
 *
 *	p  a plan: answered by 1 if it is one, with all that it names read, else 0
 *	h  a uid and an /etc/passwd: answered by a length and the variable HOME
 */
#include "../home.c"

void *malloc(size_t n);
void free(void *p);

static int take(void *to, size_t n)
{
	for (size_t have = 0; have < n;) {
		long got = sys(read, 0, (char *)to + have, n - have);

		if (got <= 0)
			return 0;
		have += got;
	}
	return 1;
}

static void give(const void *from, size_t n)
{
	for (size_t done = 0; done < n;) {
		long put = sys(write, 1, (const char *)from + done, n - done);

		if (put <= 0)
			sys(exit_group, 1);
		done += put;
	}
}

/* Reads all that a plan names, as the joiner would. */
static unsigned long walk(const struct plan *p)
{
	unsigned long sum = 0;

	for (const struct part *s = &p->args; s <= &p->apparmor; s++)
		for each_string(c, p, *s)
			for (const char *i = c; *i; i++)
				sum += *i;
	for (const struct part *s = &p->groups; s <= &p->seccomp; s++)
		for (uint32_t i = 0; i < s->len; i++)
			sum += ((const unsigned char *)at(p, *s))[i];
	for (size_t i = 0; i < limit_count(p); i++)
		sum += ((const struct rlim *)at(p, p->rlimits))[i].hard;
	return sum;
}

static volatile unsigned long sink;

static void check_plan(uint32_t n)
{
	void *data = malloc(n);
	char ok;

	if (!take(data, n))
		sys(exit_group, 1);
	ok = plan_ok(data, n);
	if (ok)
		sink = walk(data);
	free(data);
	give(&ok, 1);
}

static void check_home(uint32_t n)
{
	char *data = malloc(n);
	long fd = sys(memfd_create, "passwd", 0);
	uint32_t uid, len = 0;

	if (!take(&uid, sizeof(uid)) || !take(data, n))
		sys(exit_group, 1);
	sys(write, fd, data, n);
	sys(lseek, fd, 0, 0);
	free(data);
	if (!find_home(fd, uid))
		set_home("/", 1);
	sys(close, fd);
	while (variable[len])
		len++;
	give(&len, sizeof(len));
	give(variable, len);
}

int main(void)
{
	char kind;
	uint32_t n;

	while (take(&kind, 1) && take(&n, sizeof(n)))
		kind == 'p' ? check_plan(n) : check_home(n);
	return 0;
}
