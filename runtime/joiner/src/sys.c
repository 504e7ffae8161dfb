/* The start of the program, and what it needs of a C library. */
#include "sys.h"

__asm__(".globl _start\n_start:\n\t" START);

void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)to)[i] = (char)c;
	return to;
}

size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

/* Puts a number as text, and then more text, into a buffer. */
void number(char *to, uint32_t n, const char *then)
{
	char digits[10];
	size_t i = 0, len = 0;

	do
		digits[i++] = '0' + n % 10;
	while (n /= 10);
	while (i)
		to[len++] = digits[--i];
	memcpy(to + len, then, length(then) + 1);
}

/* Writes text in one call, into a file that may have failed to open. */
long write_once(long fd, const char *data)
{
	long n = fd < 0 ? fd : sys(write, fd, data, length(data));

	return n < 0 ? n : 0;
}
