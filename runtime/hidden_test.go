package runtime

import "testing"

// hidden is a node on which who is not the host's root sees nobody's processes
// but its own, group 0 included, and on which /dev/shm holds nothing.
const hidden = `mount -t proc -o hidepid=2,gid=54321 proc /proc
mount -t tmpfs -o ro,noexec,nosuid,size=4k none /dev/shm
grep -q ' /proc proc .*hidepid=' /proc/mounts || exit 1
! touch /dev/shm/file 2>/dev/null || exit 1`

// The joiner, which is a nobody there once it is in a user namespace, needs
// neither other processes' /proc nor /dev/shm.
func TestHooksWhereProcHidesAndShmHoldsNothing(t *testing.T) {
	const tests = `^TestExec(RunsAsRuncExecDoes|ReportsHowTheCommandEnded|TellsWhyACommandCannotRun|IsGivenMoreThanTheShimHas)$`
	again(t, tests, 4, []string{"--mount", "--propagation", "private"}, hidden)
}
