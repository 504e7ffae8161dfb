/* What the joiner's files share. Begin with main.c. */
#ifndef JOINER_H
#define JOINER_H

#include "sys.h"
#include "plan.h"

/* The descriptors that the shim hands over: main.c. */
enum { PLAN_FD, STDOUT_FD, STDERR_FD, NEWS_FD, START_FD, NULL_FD, FIRST_FREE_FD };

/* Where something went wrong, in the order of the steps; runtime/joiner/news.go has
 * the same list. A step that is taken twice stands where it is taken last, SECCOMP
 * where a process without no_new_privs takes it. Up to and with JOIN_CGROUP the command
 * can still be run another way. */
enum step {
	/* the parent */
	READ_PLAN = 1, OPEN_PROC, OPEN_INIT, CHECK_INIT, OPEN_CGROUP, RAISE_LIMITS, OOM_SCORE, UNDUMPABLE,
	JOIN_NAMESPACES, BECOME_ROOT, MAKE_PIPES, FORK, JOIN_CGROUP,
	/* the child: confinement */
	SESSION, CGROUP_NAMESPACE, KEYRING_LABEL, KEYRING, NO_NEW_PRIVILEGES, SCHEDULER, IO_PRIORITY,
	PERSONALITY, LABEL, STDIN, LIMITS, SECCOMP,
	/* the child: user and command */
	BOUNDING_SET, GROUPS, GID, UID, CWD, CWD_OUTSIDE, CAPS, LOOK_UP, LOOK_UP_RELATIVE, EXEC,
	READY = 255, /* no failure: the child has only the last steps to take */
};

/* What the parent tells the shim. */
enum kind { STARTED = 1, FAILED, ENDED };

struct news {
	uint32_t kind;
	uint32_t step;  /* FAILED: an enum step; ENDED: 1 if it never became the command */
	int32_t value;  /* STARTED: pid; FAILED: errno; ENDED: wait status */
};

/* What the child tells the parent. */
struct report { uint32_t step; int32_t error; };

extern const struct plan *plan;
extern int is_child;          /* this process is the child */
extern int proc_fd;           /* the host's /proc */
extern int has_null;          /* the shim gave a null device */
extern struct stat own_file;  /* the joiner's program */
extern int to_parent[2];      /* a pipe that closes when the child executes the command, or dies */
extern int to_child[2];       /* a pipe that closes when the parent dies */
extern char buffer[64 << 10]; /* for what is read or built, one thing at a time */

/* tell.c: for both processes */
void news(enum kind kind, uint32_t step, long value);
void report(enum step step, long error);
_Noreturn void leave(int status);
_Noreturn void fail(enum step step, long error);
long must(enum step step, long value);

/* parent.c */
void read_plan(void);
void prepare(void);
int open_init(void);
void raise_limits(void);
void set_oom_score(void);
void join_namespaces(int init);
void wait_for_child(int child);

/* cgroup.c */
void open_cgroups(void);
int fork_child(void);
void close_cgroups(void);

/* child.c */
void await_byte(int fd);
void protect(void);
void inherit_nothing(void);
void join_keyring(void);
void set_attributes(void);
void set_labels(void);
void open_stdin(void);
const char **pointers(struct part list, const char *more);
void set_limits(void);
void load_seccomp(void);

/* user.c */
void become_user(void);
const char *look_up(void);

/* home.c */
const char *home_variable(uint32_t uid);

#endif
