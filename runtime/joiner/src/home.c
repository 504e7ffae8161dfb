/* HOME of a user, from the container's /etc/passwd: the file is opened without
 * blocking, read only where it is a regular one, and parsed as
 * github.com/moby/sys/user does it for runc, whose answer to a malformed line is
 * part of the answer. */
#include "joiner.h"

#define LINE_MAX (64 << 10) /* Go's bufio.Scanner: a longer line spoils the file */

static char lines[LINE_MAX];
static char variable[LINE_MAX + 8];

/* A field of a line, counted from 0, as far as it is there. */
static const char *field(const char *line, int n, size_t *len)
{
	for (; n && *line; line++)
		n -= *line == ':';
	for (*len = 0; line[*len] && line[*len] != ':';)
		++*len;
	return line;
}

/* The number that Go's Atoi makes of a field. Of one that is no number it is 0, so
 * that its line is root's, in runc too. A negative or large one is nobody's. */
static uint64_t id_of(const char *s, size_t len)
{
	uint64_t n = 0;
	int sign = len > 1 && (*s == '+' || *s == '-');

	for (size_t i = sign; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		if (n > UINT64_MAX / 10 || n * 10 + (s[i] - '0') < n)
			return UINT64_MAX; /* whatever follows */
		n = n * 10 + (s[i] - '0');
	}
	return n && *s == '-' ? UINT64_MAX : n;
}

static int is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void set_home(const char *dir, size_t len)
{
	memcpy(variable, "HOME=", 5);
	memcpy(variable + 5, dir, len);
	variable[5 + len] = 0;
}

/* Takes the home directory out of the line that ends at end, if it is the uid's. */
static int home_in(char *line, char *end, uint32_t uid)
{
	const char *s;
	size_t len;

	while (line < end && is_space(*line))
		line++;
	while (end > line && is_space(end[-1]))
		end--;
	*end = 0;
	s = field(line, 2, &len);
	if (line == end || id_of(s, len) != uid)
		return 0;
	s = field(line, 5, &len);
	set_home(s, len);
	return 1;
}

/* Reads all lines: a long one after the user's spoils the file too. Returns
 * 0 where there is no answer. */
static int find_home(long fd, uint32_t uid)
{
	size_t from = 0, end = 0, have = 0;
	int found = 0;

	for (;;) {
		while (end < have && lines[end] != '\n')
			end++;
		if (end == have) {
			long n;

			have -= from;
			for (size_t i = 0; i < have; i++)
				((volatile char *)lines)[i] = lines[from + i]; /* volatile, or gcc calls memmove */
			end = have;
			from = 0;
			if (have == sizeof(lines) - 1)
				return 0;
			n = sys(read, fd, lines + have, sizeof(lines) - 1 - have);
			if (n > 0) {
				have += n;
				continue;
			}
			return n == 0 && (found || home_in(lines, lines + end, uid));
		}
		found = found || home_in(lines + from, lines + end, uid);
		from = ++end;
	}
}

/* The variable HOME for the uid; its value is "/" where nothing is known. */
const char *home_variable(uint32_t uid)
{
	struct stat st;
	long fd = sys(openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || sys(fstat, fd, &st) < 0 || (st.st_mode & S_IFMT) != S_IFREG || !find_home(fd, uid))
		set_home("/", 1);
	if (fd >= 0)
		sys(close, fd);
	return variable;
}
