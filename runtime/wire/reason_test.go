package wire

import "testing"

// The texts are those of libcontainer 1.5.2, seen in real runs.
func TestCommandReason(t *testing.T) {
	for text, want := range map[string]Reason{
		`unable to start container process: exec: "nothing": executable file not found in $PATH`:                                      NotFound,
		`unable to start container process: exec: "/no/such: file": stat /no/such: file: no such file or directory`:                   NotFound,
		`unable to start container process: exec: "/scratch/plain/x": stat /scratch/plain/x: not a directory`:                         NotFound,
		`unable to start container process: exec: "/scratch/plain": permission denied`:                                                Permission,
		`unable to start container process: exec: "/scratch": is a directory`:                                                         Permission,
		`unable to start container process: chdir to cwd ("/none") set in config.json failed: no such file or directory`:              NotFound,
		`unable to start container process: chdir to cwd ("/root: x") set in config.json failed: permission denied`:                   Permission,
		`unable to start container process: exec: "./x": cannot run executable found relative to current directory`:                   CannotStart,
		`unable to start container process: can't open cgroup: openat2 /sys/fs/cgroup/x/bookend-1: no such file or directory`:         "",
		`unable to start container process: error executing setns process: exit status 1`:                                             "",
		`unable to start container process: error adding pid 7 to cgroups: failed to write 7: open /sys/fs/cgroup: permission denied`: "",
		`load container x: open /run/state.json: no such file or directory`:                                                           "",
		`unable to start container process: unable to apply apparmor profile: write /proc/self/attr/exec: no such file or directory`:  "",
	} {
		got, ok := CommandReason(text)
		if got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestExecReason(t *testing.T) {
	for text, want := range map[string]Reason{
		"exec /scratch/data: exec format error":    BadFormat,
		"exec ./a: b: no such file or directory\n": NotFound,
		"exec /bin/x: permission denied":           Permission,
		"exec /bin/x: argument list too long":      CannotStart,
		"":                                         CannotStart,
	} {
		if got := ExecReason(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
