package runtime

import (
	"testing"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/internal/stepper"
)

// swaps change what a hook's process may be about to look at, and back.
var swaps = map[string]struct{ prepare, do, undo string }{
	"other kinds of files": {
		do: `mv /dev/null /dev/kept; mkfifo /dev/null
mount -t tmpfs none /proc; mkdir /proc/self /proc/self/attr; mkfifo /proc/self/attr/exec /proc/self/stat
mv /scratch/work /scratch/kept; ln -s / /scratch/work`,
		undo: `rm -f /dev/null; mv /dev/kept /dev/null; umount /proc; rm -f /scratch/work; mv /scratch/kept /scratch/work`,
	},
	"files that block": {
		do: `mv /dev/null /dev/kept; echo secret >/dev/null; mv /etc/passwd /etc/kept; mkfifo /etc/passwd
mv /scratch/work /scratch/kept; mkfifo /scratch/work`,
		undo: `rm -f /dev/null; mv /dev/kept /dev/null; rm -f /etc/passwd; mv /etc/kept /etc/passwd
rm -f /scratch/work; mv /scratch/kept /scratch/work`,
	},
	"a directory that is no longer there": {
		prepare: "mount -t tmpfs none /scratch/work",
		do:      `umount -l /scratch/work; mv /dev/null /dev/kept; ln -s /proc/1/root/dev/kept /dev/null`,
		undo:    `mount -t tmpfs none /scratch/work; rm /dev/null; mv /dev/kept /dev/null`,
	},
}

// The container changes files while a hook joins it. A hook that runs has its
// own stdin and is inside, which stepped looks at; none hangs.
func TestAttackFilesSwappedWhileItJoins(t *testing.T) {
	for name, swap := range swaps {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, nil)
			v := c.villain("CAP_SYS_ADMIN", "CAP_MKNOD")
			v.do("mkdir /scratch/work; " + swap.prepare)
			hook := hooks.Exec{Command: []string{"sh", "-c", "cat"}, WorkingDir: "/scratch/work"}
			executed := 0
			for _, process := range []int{joinerProcess, hookProcess} {
				c.eachStep(process, hook, func(a *attack) stepper.Verdict {
					if said := v.do(swap.do); said != "" {
						t.Errorf("at %v: %s", a.step, said)
					}
					return stepper.Continue
				}, func(a *attack) {
					if said := v.do(swap.undo); said != "" {
						t.Errorf("after %v: %s", a.step, said)
					}
					if a.looked {
						executed++
					}
					if a.looked != (a.report.Err == nil) || len(a.report.Stdout) != 0 {
						t.Errorf("at %v: executed: %v, got %+v", a.step, a.looked, a.report)
					}
					a.wantAlive()
				})
			}
			if executed == 0 {
				t.Error("no hook was executed")
			}
		})
	}
}
