package stepper

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/proc"
)

const busybox = "/bin/busybox"

// run steps through a script of busybox's shell to its end.
func run(t *testing.T, s *Stepper, script string) Exit {
	t.Helper()
	if _, err := os.Stat(busybox); err != nil {
		t.Fatalf("%v: run `make deps` first", err)
	}
	exit, err := s.Start(exec.Command(busybox, "sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	return <-exit // the deadline ends it
}

func TestEveryCallOfEveryProcessIsAStep(t *testing.T) {
	calls := map[int][]string{}
	s := &Stepper{Visit: func(s *Step) Verdict {
		if s.N != len(calls[s.Index])+1 {
			t.Errorf("%v comes after %d others", s, len(calls[s.Index]))
		}
		calls[s.Index] = append(calls[s.Index], Name(s.Nr))
		return Continue
	}}
	got := run(t, s, "(cd /; exit 4); exit 3")
	if got.Err != nil || got.Status.ExitStatus() != 3 {
		t.Errorf("got %+v, want exit 3", got)
	}
	if len(calls) != 2 || slices.Contains(calls[0], "chdir") || !slices.Contains(calls[1], "chdir") {
		t.Errorf("the child's chdir is not found in %v", calls)
	}
	for i, c := range calls {
		if c[len(c)-1] != "exit_group" {
			t.Errorf("process %d ends with %s", i, c[len(c)-1])
		}
	}
}

func TestAStepComesBeforeItsCall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	at := 0
	s := &Stepper{Visit: func(s *Step) Verdict {
		if Name(s.Nr) == "mkdir" {
			at++
			if _, err := os.Stat(file); err == nil {
				t.Error("the directory exists before the call that makes it")
			}
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Error(err)
			}
		}
		return Continue
	}}
	if got := run(t, s, "mkdir "+file); got.Err != nil || got.Status.ExitStatus() == 0 || at != 1 {
		t.Errorf("got %+v at %d calls of mkdir, want its failure", got, at)
	}
}

func TestReturnsTellResults(t *testing.T) {
	var results []int64
	s := &Stepper{Returns: true, Visit: func(s *Step) Verdict {
		if s.Return && Name(s.Nr) == "chdir" {
			results = append(results, s.Result)
		}
		return Continue
	}}
	run(t, s, "cd /; cd /none")
	if want := []int64{0, -int64(unix.ENOENT)}; !slices.Equal(results, want) {
		t.Errorf("got %v, want %v", results, want)
	}
}

func TestAProcessThatIsKilledAtAStepEndsThere(t *testing.T) {
	dir := t.TempDir()
	s := &Stepper{Visit: func(s *Step) Verdict {
		if Name(s.Nr) == "mkdir" {
			_ = unix.Kill(s.Pid, unix.SIGKILL)
		}
		return Continue
	}}
	got := run(t, s, "mkdir "+dir+"/a")
	if got.Err != nil || got.Status.Signal() != unix.SIGKILL {
		t.Errorf("got %+v, want SIGKILL", got)
	}
	if _, err := os.Stat(dir + "/a"); err == nil {
		t.Error("the call was made")
	}
}

func TestDetachedItRunsOn(t *testing.T) {
	steps := 0
	s := &Stepper{Visit: func(*Step) Verdict { steps++; return Detach }}
	if got := run(t, s, "(exit 4); (exit 5); exit 6"); got.Status.ExitStatus() != 6 || steps != 1 {
		t.Errorf("got %+v after %d steps", got, steps)
	}
}

func TestDetachedStoppedItStands(t *testing.T) {
	pids := make(chan int, 1)
	s := &Stepper{Visit: func(s *Step) Verdict {
		if Name(s.Nr) != "chdir" {
			return Continue
		}
		pids <- s.Pid
		return DetachStopped
	}}
	go func() {
		pid := <-pids
		if !awaitState(pid, 'T') {
			t.Error("it never stood still")
		}
		_ = unix.Kill(pid, unix.SIGCONT)
	}()
	if got := run(t, s, "cd /; exit 7"); got.Err != nil || got.Status.ExitStatus() != 7 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatDoesNotEndIsKilled(t *testing.T) {
	s := &Stepper{Deadline: 100 * time.Millisecond, Visit: func(*Step) Verdict { return Continue }}
	if got := run(t, s, "(sleep 1000); exit 0"); !errors.Is(got.Err, ErrLate) {
		t.Errorf("got %+v", got)
	}
}

// A child that others have started on the same thread is theirs to wait for.
func TestChildrenOfOthersAreLeftAlone(t *testing.T) {
	for range 20 {
		other := exec.Command(busybox, "true")
		if err := other.Start(); err != nil {
			t.Fatalf("%v: run `make deps` first", err)
		}
		s := &Stepper{Visit: func(*Step) Verdict { return Continue }}
		if got := run(t, s, "true"); got.Err != nil || got.Status.ExitStatus() != 0 {
			t.Errorf("got %+v", got)
		}
		if err := other.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitState waits until a process is in a state of proc(5).
func awaitState(pid int, want byte) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		stat, err := proc.ReadStat(pid)
		if err != nil {
			return false
		}
		if stat.State == want {
			return true
		}
	}
	return false
}
