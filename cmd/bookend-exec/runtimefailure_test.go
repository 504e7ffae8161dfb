package main

import (
	"errors"
	"os"
	"testing"

	"bookend.dev/bookend/runtime/wire"
)

// The texts are those of runc 1.1.5, runc 1.5.2, crun 1.8.1 and crun 1.21, seen in real runs.
func TestRuntimeReason(t *testing.T) {
	for text, want := range map[string]wire.Reason{
		`exec failed: unable to start container process: exec: "nothing": executable file not found in $PATH`:                         wire.NotFound,
		`exec failed: unable to start container process: exec: "/work": permission denied`:                                            wire.Permission,
		`exec failed: unable to start container process: chdir to cwd ("/none") set in config.json failed: no such file or directory`: wire.NotFound,
		"executable file `nothing` not found in $PATH: No such file or directory":                                                     wire.NotFound,
		"executable file `/no/such: file` not found in $PATH: No such file or directory":                                              wire.NotFound,
		"open executable: Not a directory":                                                wire.NotFound,
		"open executable: Permission denied":                                              wire.Permission,
		"open executable: Operation not permitted":                                        wire.Permission,
		"exec: Exec format error":                                                         wire.BadFormat,
		"chdir `/none`: No such file or directory":                                        wire.NotFound,
		"the path `/etc/passwd` exists but it is not executable: Operation not permitted": wire.Permission,
		"the path `/bin` is not a regular file: Operation not permitted":                  wire.Permission,
		"cannot open `/etc/passwd/x`: Not a directory":                                    wire.NotFound,
		"cannot find `` in $PATH: No such file or directory":                              wire.NotFound,
		"chdir to `/none`: No such file or directory":                                     wire.NotFound,
		// About something else.
		"error opening file `/run/x/status`: No such file or directory": wire.CannotStart,
		"executing seccomp helper: Permission denied":                   wire.CannotStart,
		"opening cgroup: No such file or directory":                     wire.CannotStart,
		"": wire.CannotStart,
	} {
		err := error(&runtimeError{"x", text, errors.New("exit status 1")})
		if got := runtimeReason(os.Getpid(), err); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestRuntimeReasonOfAContainerThatIsGone(t *testing.T) {
	const none = 1 << 30 // over any pid_max
	if got := runtimeReason(none, errors.New("any")); got != wire.Gone {
		t.Errorf("got %s", got)
	}
}
