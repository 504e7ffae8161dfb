/* The child becomes the user and finds the command. */
#include "joiner.h"

static void drop_bounding_set(void)
{
	for (int cap = 0; (plan->flags & SET_CAPS) && cap < 64; cap++) {
		long err;

		if (plan->caps[BOUNDING] >> cap & 1)
			continue;
		err = sys(prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
		if (err == -EINVAL) /* beyond the last one */
			break;
		must(BOUNDING_SET, err);
	}
}

static void set_caps(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (!(plan->flags & SET_CAPS))
		return;
	for (int i = 0; i < 2; i++) {
		data[i].effective = plan->caps[EFFECTIVE] >> 32 * i;
		data[i].permitted = plan->caps[PERMITTED] >> 32 * i;
		data[i].inheritable = plan->caps[INHERITABLE] >> 32 * i;
	}
	must(CAPS, sys(capset, &header, data));
	sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap < 64; cap++) /* one that cannot be raised is left out, as in runc */
		if (plan->caps[AMBIENT] >> cap & 1)
			sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

static long change_dir(void)
{
	const char *dir = text(plan, plan->cwd);

	return dir ? sys(chdir, dir) : 0;
}

/* Becomes the user, as runc's finalizeNamespace does. A directory that only the user
 * may enter is entered as the user. One outside of the container's root is refused
 * (CVE-2024-21626): the kernel calls it "(unreachable)/...". */
void become_user(void)
{
	long err = change_dir();

	if (err != -EACCES && err != -EPERM)
		must(CWD, err);
	drop_bounding_set();
	must(CAPS, sys(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0));
	if (plan->flags & SET_GROUPS)
		must(GROUPS, sys(setgroups, plan->groups.len / 4, at(plan, plan->groups)));
	must(GID, sys(setgid, plan->gid));
	must(UID, sys(setuid, plan->uid));
	protect();
	if (err < 0)
		must(CWD, change_dir());
	must(CWD, sys(getcwd, buffer, 4096));
	if (buffer[0] != '/')
		fail(CWD_OUTSIDE, 0);
	must(CAPS, sys(prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0));
	set_caps();
}

/* Tells whether Go's exec.LookPath would take the file. The joiner's own program is
 * refused: /proc/self/exe is one way to name it. */
static long executable(const char *path)
{
	struct stat st;
	long err = sys(newfstatat, AT_FDCWD, path, &st, 0);

	if (err < 0)
		return err;
	if ((st.st_mode & S_IFMT) == S_IFDIR)
		return -EISDIR;
	if (st.st_dev == own_file.st_dev && st.st_ino == own_file.st_ino)
		return -EACCES;
	err = sys(faccessat2, AT_FDCWD, path, 1 /* X_OK */, AT_EACCESS);
	if (err == -ENOSYS || err == -EPERM)
		err = st.st_mode & 0111 ? 0 : -EACCES;
	return err;
}

/* Finds the command as runc does. A command in a relative element of PATH is an error,
 * as in Go (exec.ErrDot). */
const char *look_up(void)
{
	for each_string(path, plan, plan->candidates) {
		long err = executable(path);

		if (!(plan->flags & BARE_NAME))
			must(LOOK_UP, err);
		if (err < 0)
			continue;
		if ((plan->flags & BARE_NAME) && *path != '/')
			fail(LOOK_UP_RELATIVE, 0);
		return path;
	}
	fail(LOOK_UP, -ENOENT);
}
