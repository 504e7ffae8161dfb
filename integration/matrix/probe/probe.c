/*
 * probe prints, a line key=value each, all that a program can ask the kernel
 * about itself. `probe wait` waits for its death instead: a container's init.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static char printed[256 << 10];
static size_t length;

static void put(char c)
{
	if (length < sizeof printed)
		printed[length++] = c;
}

static void put_escaped(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n' || *s == '\\') {
			put('\\');
			put(*s == '\n' ? 'n' : '\\');
		} else {
			put(*s);
		}
	}
}

void say(const char *key, const char *format, ...)
{
	static char value[64 << 10];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof value, format, args);
	va_end(args);
	put_escaped(key);
	put('=');
	put_escaped(value);
	put('\n');
}

const char *result(long r)
{
	return r < 0 ? strerrorname_np(errno) : "ok";
}

int main(int argc, char **argv, char **envp)
{
	char key[32];

	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		for (;;)
			pause();
	say_descriptors(); /* before any is opened here */
	for (int i = 0; i < argc; i++) {
		snprintf(key, sizeof key, "argv.%d", i);
		say(key, "%s", argv[i]);
	}
	for (int i = 0; envp[i]; i++) {
		snprintf(key, sizeof key, "env.%d", i);
		say(key, "%s", envp[i]);
	}
	say_process();
	say_files();
	say_syscalls();
	for (size_t done = 0; done < length;) {
		ssize_t n = write(1, printed + done, length - done);

		if (n < 0)
			return 1;
		done += (size_t)n;
	}
	return 0;
}
