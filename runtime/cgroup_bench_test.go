package runtime

import (
	"os"
	"testing"

	"bookend.dev/bookend/runtime/proc"
)

// What each exec hook does about its cgroup, and each container once.
func BenchmarkHookCgroup(b *testing.B) {
	c := createAnother(b, nil)
	for b.Loop() {
		h, err := c.Cgroup.newHookCgroup()
		must(b, err)
		c.Cgroup.joins(h, c.Init)
		h.remove()
	}
}

func BenchmarkReadCgroup(b *testing.B) {
	e := &Executor{}
	for b.Loop() {
		_, err := e.ReadCgroup(os.Getpid())
		must(b, err)
	}
}

// Whether a cancelled hook has left anything in its session.
func BenchmarkSessionKill(b *testing.B) {
	s := proc.NewSession(4194305, 4194305)
	for b.Loop() {
		must(b, killSession(s, nil, pidOnly(os.Getpid()), 0))
	}
}

func BenchmarkCgroupRoomAndPaused(b *testing.B) {
	c := createAnother(b, nil)
	for b.Loop() {
		if c.Cgroup.paused() || !c.Cgroup.hasRoom() {
			b.Fatal("paused, or no room")
		}
	}
}
