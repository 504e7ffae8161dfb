/* What files tell: those of /proc/self, and the descriptors that are open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe.h"

/* slurp reads a file into a buffer that the next call reuses; NULL with errno. */
static char *slurp(const char *path)
{
	static char text[128 << 10];
	size_t length = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	while (length < sizeof text - 1 &&
	       (n = read(fd, text + length, sizeof text - 1 - length)) > 0)
		length += (size_t)n;
	int error = errno;
	close(fd);
	errno = error;
	if (n < 0)
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (text[i] == 0)
			text[i] = ' ';
	text[length] = 0;
	return text;
}

static void say_file(const char *path)
{
	char *text = slurp(path);

	say(path, "%s", text ? text : result(-1));
}

static void say_link(const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof target - 1);

	if (n >= 0)
		target[n] = 0;
	say(path, "%s", n < 0 ? result(-1) : target);
}

/* Of no two processes equal, or said elsewhere as a relation. */
static int passing(const char *line)
{
	static const char *const names[] = {
		"Pid:", "Tgid:", "PPid:", "NStgid:", "NSpid:", "NSpgid:", "NSsid:", "FDSize:",
		"Vm", "Rss", "SigQ:", "voluntary_", "nonvoluntary_",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return 1;
	return 0;
}

/* say_lines says each line of a file that begins with a name by this name. */
static void say_lines(const char *path, const char *separator)
{
	char key[256], *text = slurp(path), *rest = text;

	if (!text) {
		say(path, "%s", result(-1));
		return;
	}
	for (char *line; (line = strsep(&rest, "\n"));) {
		char *end = strstr(line, separator);

		if (!end || passing(line))
			continue;
		snprintf(key, sizeof key, "%s %.*s", path, (int)(end - line), line);
		say(key, "%s", end + strlen(separator));
	}
}

/* say_stat says the fields of /proc/self/stat that are not of the moment. */
static void say_stat(void)
{
	static const struct {
		int field;
		const char *key;
	} wanted[] = {
		{ 7, "stat tty" }, { 8, "stat foreground group" }, { 18, "stat priority" },
		{ 19, "stat nice" }, { 20, "stat threads" }, { 38, "stat exit signal" },
		{ 40, "stat realtime priority" }, { 41, "stat policy" },
	};
	char *text = slurp("/proc/self/stat"), *rest = text ? strrchr(text, ')') : NULL;

	if (!rest)
		return; /* the other files tell as much */
	rest += 2;
	for (int field = 3; rest; field++) {
		char *value = strsep(&rest, " ");

		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
			if (wanted[i].field == field)
				say(wanted[i].key, "%s", value);
	}
}

/* say_mounts says the root's line, and a sum over all of them. */
static void say_mounts(void)
{
	char *text = slurp("/proc/self/mountinfo"), *rest = text;
	unsigned long sum = 14695981039346656037UL, count = 0;

	if (!text)
		return;
	for (char *c = text; *c; c++)
		sum = (sum ^ (unsigned char)*c) * 1099511628211UL;
	for (char *line; (line = strsep(&rest, "\n")); count++)
		if (strstr(line, " / / "))
			say("mountinfo root", "%s", line);
	say("mountinfo", "%lu lines, sum %lx", count, sum);
}

static void say_directory(const char *path, void (*say_entry)(const char *))
{
	char file[512];
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir) {
		say(path, "%s", result(-1));
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		say_entry(file);
	}
	closedir(dir);
}

void say_files(void)
{
	static const char *const whole[] = {
		"cgroup", "cmdline", "comm", "coredump_filter", "cpu_resctrl_groups",
		"cpuset", "gid_map", "loginuid", "oom_adj", "oom_score_adj", "personality",
		"projid_map", "sessionid", "setgroups", "timens_offsets", "timerslack_ns", "uid_map",
	};
	static const char *const links[] = { "cwd", "exe", "root" };
	char path[64];

	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		snprintf(path, sizeof path, "/proc/self/%s", whole[i]);
		say_file(path);
	}
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		snprintf(path, sizeof path, "/proc/self/%s", links[i]);
		say_link(path);
	}
	say_lines("/proc/self/status", ":\t");
	say_lines("/proc/self/limits", "  ");
	say_directory("/proc/self/ns", say_link);
	say_directory("/proc/self/attr", say_file);
	say_stat();
	say_mounts();
}

static void say_descriptor(int fd)
{
	char key[32];
	struct stat s;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return;
	snprintf(key, sizeof key, "fd %d", fd);
	if (fstat(fd, &s) < 0) {
		say(key, "%s", result(-1));
		return;
	}
	say(key, "kind %o mode %o owner %u:%u device %u:%u flags %o, closed by execve: %d",
	    s.st_mode & S_IFMT, s.st_mode & 07777, s.st_uid, s.st_gid, major(s.st_rdev),
	    minor(s.st_rdev), flags, fcntl(fd, F_GETFD));
}

static void say_openable(const char *path, int flags)
{
	char key[64];
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	snprintf(key, sizeof key, "open %s", path);
	say(key, "%s", result(fd));
	if (fd >= 0)
		close(fd);
}

void say_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++)
		say_descriptor(fd);
	say_openable("/proc/self/fd/0", O_RDONLY);
	say_openable("/proc/self/fd/1", O_WRONLY);
	say_openable("/proc/self/fd/2", O_WRONLY);
	say_openable("/dev/stdin", O_RDONLY);
	say_openable("/dev/stdout", O_WRONLY);
	say_openable("/dev/stderr", O_WRONLY);
	say_openable("/dev/null", O_RDWR);
	say_openable("/dev/tty", O_RDWR);
}
