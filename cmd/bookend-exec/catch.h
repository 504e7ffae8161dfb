#include <linux/filter.h>

// The program that was to be loaded, and how.
struct bookend_caught {
	unsigned loads; // 0: none was
	unsigned flags, prctl, length;
	struct sock_filter program[BPF_MAXINSNS];
};

extern struct bookend_caught bookend_caught;

int bookend_catch(void);
