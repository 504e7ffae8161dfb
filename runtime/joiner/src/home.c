/* HOME of a user, from the container's /etc/passwd. The file is opened without
 * blocking, read only if it is a regular one, and parsed as github.com/moby/sys/user
 * parses it for runc: a malformed line has the same result. */
#include "joiner.h"

static char block[64 << 10]; /* of the file */
static char line[64 << 10];  /* and a NUL. Go's bufio.Scanner: a longer line spoils the file */
static char variable[sizeof(line) + 8];

/* Finds a field of a line, counted from 0. One that is missing is empty. */
static const char *field(const char *s, int n, size_t *len)
{
	for (; n && *s; s++)
		n -= *s == ':';
	for (*len = 0; s[*len] && s[*len] != ':';)
		++*len;
	return s;
}

/* Returns the number that Go's Atoi makes of a field. A field that is no number counts
 * as 0, so that its line is root's, as in runc. A negative or a large one is no uid. */
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

/* Takes the home directory from the line that ends at end, if the line is the uid's. */
static int home_in(char *start, char *end, uint32_t uid)
{
	const char *s;
	size_t len;

	while (start < end && is_space(*start))
		start++;
	while (end > start && is_space(end[-1]))
		end--;
	*end = 0;
	s = field(start, 2, &len);
	if (start == end || id_of(s, len) != uid)
		return 0;
	s = field(start, 5, &len);
	set_home(s, len);
	return 1;
}

/* Reads all lines, since a long one after the user's spoils the file too. Returns 0 if
 * the file does not tell. */
static int find_home(long fd, uint32_t uid)
{
	size_t len = 0;
	int found = 0;
	long n;

	while ((n = sys(read, fd, block, sizeof(block))) > 0) {
		for (long i = 0; i < n; i++) {
			if (block[i] == '\n') {
				found = found || home_in(line, line + len, uid);
				len = 0;
			} else if (len == sizeof(line) - 1) {
				return 0;
			} else {
				line[len++] = block[i];
			}
		}
	}
	return n == 0 && (found || home_in(line, line + len, uid));
}

/* Returns the variable HOME for the uid. Its value is "/" if the file does not tell. */
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
