/* What the files of the probe have of each other. */
#ifndef PROBE_H
#define PROBE_H

/* say prints a line key=value; the value's control characters are escaped. */
void say(const char *key, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* result is "ok" for a result that is not negative, else the error's name. */
const char *result(long r);

void say_files(void);       /* files.c: what /proc says */
void say_descriptors(void); /* files.c: the open files */
void say_process(void);     /* process.c: what the kernel tells by calls */
void say_syscalls(void);    /* syscalls.c: which calls the kernel takes */

#endif
