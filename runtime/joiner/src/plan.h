/* The plan says everything about a hook's process. The shim writes it into a sealed
 * file in memory (runtime/joiner/encode.go has the same layout). Numbers are native
 * endian. Offsets count from the start of the plan. */
#ifndef PLAN_H
#define PLAN_H

#include <stddef.h>
#include <stdint.h>

#define PLAN_MAGIC 0x314b4842u /* "BHK1" */

/* plan.flags */
#define UNIFIED (1u << 0)      /* cgroup v2: join the first of cgroups that can be joined */
#define OWN_CGROUPNS (1u << 1) /* make a cgroup namespace of the hook's own */
#define AWAIT_START (1u << 2)  /* wait for a byte before looking at the container's files */
#define ADD_HOME (1u << 3)     /* look HOME up in /etc/passwd */
#define BARE_NAME (1u << 4)    /* candidates come from PATH: the command has no slash */
#define SET_GROUPS (1u << 5)
#define SET_UMASK (1u << 6)
#define NO_NEW_PRIVS (1u << 7)
#define SET_CAPS (1u << 8)
#define SET_PERSONALITY (1u << 9)
#define SET_IOPRIO (1u << 10)
#define SECCOMP_BY_PRCTL (1u << 11)

struct part { uint32_t at, len; };

struct rlim { uint64_t resource, soft, hard; };

enum { BOUNDING, EFFECTIVE, PERMITTED, INHERITABLE, AMBIENT, CAP_SETS };

struct plan {
	uint32_t magic, size;
	uint32_t flags, namespaces;
	uint64_t init_start;
	int32_t init_pid;
	uint32_t uid, gid, umask;
	uint32_t ioprio, seccomp_flags;
	uint64_t personality;
	uint64_t caps[CAP_SETS];
	/* Lists of strings that end in NUL. */
	struct part args, env, candidates, cgroups;
	/* Single strings that end in NUL; of length 0: none. */
	struct part cwd, oom_score_adj, keyring, key_label, exec_label, apparmor;
	/* Arrays. */
	struct part groups, rlimits, sched_attr, seccomp;
};

static inline const void *at(const struct plan *p, struct part s)
{
	return (const char *)p + s.at;
}

/* A single string, NULL for none. */
static inline const char *text(const struct plan *p, struct part s)
{
	return s.len ? at(p, s) : NULL;
}

/* How many strings a list has. */
static inline size_t strings(const struct plan *p, struct part s)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s.len; i++)
		n += ((const char *)at(p, s))[i] == 0;
	return n;
}

/* Returns what follows s in its list: the next string, or the end of the list. */
static inline const char *after(const char *s)
{
	while (*s)
		s++;
	return s + 1;
}

/* for each_string(s, plan, plan->args) ...: s is each string of a list in turn. */
#define each_string(s, plan, list) \
	(const char *s = at(plan, list), *s##_end = s + (list).len; s < s##_end; s = after(s))

static inline size_t limit_count(const struct plan *p)
{
	return p->rlimits.len / sizeof(struct rlim);
}

/* Tells whether size bytes are a plan. If so, everything else may trust it. */
static inline int plan_ok(const struct plan *p, size_t size)
{
	if (size < sizeof(*p) || p->magic != PLAN_MAGIC || p->size != size)
		return 0;
	for (const struct part *s = &p->args; s <= &p->seccomp; s++) {
		if (s->at % 8 || s->at > size || s->len > size - s->at)
			return 0;
		if (s <= &p->apparmor && s->len && ((const char *)p)[s->at + s->len - 1])
			return 0;
	}
	return p->args.len && p->cgroups.len && !(p->groups.len % 4) &&
	       !(p->rlimits.len % sizeof(struct rlim)) && !(p->seccomp.len % 8) &&
	       p->seccomp.len / 8 <= UINT16_MAX;
}

#endif
