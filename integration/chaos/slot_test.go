package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func testSlot(t *testing.T) *slot {
	t.Helper()
	echo, err := exec.LookPath("echo")
	if err != nil {
		t.Fatal(err)
	}
	all, err := newSlots(t.TempDir(), echo, 1)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// call calls the runtime as a shim does.
func (s *slot) call(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, s.runc(), append([]string{"--root", "/r", "--log", "/l"}, args...)...).Output()
	return string(out), err
}

func TestTheStandInActsOutFaultsOfOneContainer(t *testing.T) {
	s := testSlot(t)
	for _, mode := range []string{"fail", "once-fail"} {
		if err := s.fail("c1", "kill", mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s.call(t.Context(), "kill", "--all", "c1", "15"); err == nil {
			t.Errorf("%s: kill of c1 succeeded", mode)
		}
		_, err := s.call(t.Context(), "kill", "c1", "9")
		if (err == nil) != (mode == "once-fail") {
			t.Errorf("%s: the second kill of c1: %v", mode, err)
		}
		for _, args := range [][]string{{"kill", "c2", "15"}, {"start", "c1"}, {"delete", "--force", "c1"}} {
			if out, err := s.call(t.Context(), args...); err != nil || out == "" {
				t.Errorf("%s: %q: %q, %v", mode, args, out, err)
			}
		}
		if err := s.lift(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.call(t.Context(), "kill", "c1", "15"); err != nil {
			t.Errorf("%s, lifted: %v", mode, err)
		}
	}
	calls, err := s.calls("c1")
	if err != nil {
		t.Fatal(err)
	}
	var modes []string
	for _, c := range calls {
		modes = append(modes, c.Verb+" "+c.Mode)
		if age := time.Since(c.At); age < 0 || age > time.Minute {
			t.Errorf("%+v was %s ago", c, age)
		}
	}
	want := []string{"kill fail", "kill fail", "start pass", "delete pass", "kill pass", "kill fail", "kill pass", "start pass", "delete pass", "kill pass"}
	if !slices.Equal(modes, want) || calls[0].Signal != 15 {
		t.Errorf("calls %q, want %q; the first with signal %d", modes, want, calls[0].Signal)
	}
}

func TestTheStandInHangsUntilItIsReleased(t *testing.T) {
	s := testSlot(t)
	for mode, ok := range map[string]bool{"once-hang": true, "once-hangfail": false, "once-hangafter": true} {
		if err := s.fail("c1", "kill", mode); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := s.call(t.Context(), "kill", "c1", "15")
			ended <- err
		}()
		// It says that it hangs before it does, and then nothing until this opens.
		f, err := os.OpenFile(s.path("release"), os.O_WRONLY, 0) // blocks until it reads
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			t.Errorf("%s: ended before its release: %v", mode, err)
		default:
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; (err == nil) != ok {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestOtherFilesInTheRuntimesPlaceFailAndAreCounted(t *testing.T) {
	s := testSlot(t)
	for file, want := range map[string]error{missing: unix.ENOENT, empty: unix.ENOEXEC, half: nil} {
		before := s.opens.count()
		if err := s.put(file); err != nil {
			t.Fatal(err)
		}
		_, err := s.call(t.Context(), "kill", "c1", "15")
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", file, err, want)
		}
		if !await(t.Context(), patience, func() bool { return s.opens.count() > before }) {
			t.Errorf("%s: its use was not counted", file)
		}
		if err := errors.Join(s.put(sound), s.put(sound)); err != nil {
			t.Fatal(err)
		}
		if out, err := s.call(t.Context(), "start", "c1"); err != nil || out == "" {
			t.Errorf("%s, put right: %q, %v", file, out, err)
		}
	}
}

func TestAStarvedProcessHasNoDescriptorAndGetsItsLimitBack(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	limit := func() uint64 {
		var l unix.Rlimit
		if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &l); err != nil {
			t.Fatal(err)
		}
		return l.Cur
	}
	before := limit()
	done := make(chan error, 1)
	go func() {
		s, err := starve(t.Context(), cmd.Process.Pid, 500*time.Millisecond)
		if err == nil && s.To.Sub(s.From) < 500*time.Millisecond {
			err = errors.New("it was short")
		}
		done <- err
	}()
	if !await(t.Context(), patience, func() bool { return limit() == occupied }) {
		t.Errorf("limit %d, want %d", limit(), occupied)
	}
	if err := <-done; err != nil || limit() != before {
		t.Errorf("limit %d afterwards, want %d; %v", limit(), before, err)
	}
}
