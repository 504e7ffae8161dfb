package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// newStore returns a store in a new directory; whatever it logs fails the test,
// but for a disk that is slow: what waits for it is written all the same.
func newStore(t *testing.T, limits Limits) *Store {
	t.Helper()
	s := Open(filepath.Join(t.TempDir(), "bookend"), limits)
	s.Log = func(err error) {
		if !errors.Is(err, ErrHangs) {
			t.Errorf("store: %v", err)
		}
	}
	s.statusDelay = 0
	t.Cleanup(s.flush)
	return s
}

func example(container string, attempt int) Record {
	return Record{
		Subject: Subject{Namespace: "k8s.io", Container: container, Name: "main", Pod: "web-0", PodNamespace: "shop"},
		Hook:    hooks.PostStart, Handler: "exec", Attempt: attempt, Started: time.Now(),
	}
}

// flush waits until the store has done everything.
func (s *Store) flush() {
	done := make(chan struct{})
	s.do(0, 0, func() error { close(done); return nil })
	<-done
}

func list(t *testing.T, s *Store) []Record {
	t.Helper()
	records, skipped, err := s.List()
	if err != nil || len(skipped) > 0 {
		t.Errorf("List: skipped %v, %v", skipped, err)
	}
	return records
}

// only returns the store's one record.
func only(t *testing.T, s *Store) Record {
	t.Helper()
	records := list(t, s)
	if len(records) != 1 {
		t.Fatalf("%d records, want 1: %+v", len(records), records)
	}
	return records[0]
}

// onlyFile returns the path of the store's one record.
func onlyFile(t *testing.T, s *Store) string {
	t.Helper()
	files, err := filepath.Glob(s.recordPath("*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v; want one", files, err)
	}
	return files[0]
}

func TestARecordIsWrittenBeforeAndAfterItsAttempt(t *testing.T) {
	s := newStore(t, Limits{})
	begun := example("c1", 2)
	e := s.Begin(begun)

	r := only(t, s)
	if !r.Running || r.Outcome != "" || r.Attempt != 2 || r.Container != "c1" || r.PodNamespace != "shop" || !r.Started.Equal(begun.Started) || r.Version != Version {
		t.Errorf("while it runs: %+v", r)
	}
	code := 3
	e.End(End{Outcome: hooks.Failed, DurationSeconds: 1.5, Cause: hooks.CauseExitCode, ExitCode: &code, Stdout: []byte("a\x00\xff")})
	r = only(t, s)
	if r.Running || r.Outcome != hooks.Failed || r.DurationSeconds != 1.5 || r.ExitCode == nil || *r.ExitCode != 3 || string(r.Stdout) != "a\x00\xff" || r.Handler != "exec" {
		t.Errorf("after its end: %+v", r)
	}
	e.Amend(End{Stdout: []byte("more")})
	e.Amend(End{Outcome: hooks.Cancelled, Cause: hooks.CauseCancelled})
	s.flush()
	r = only(t, s)
	if r.Outcome != hooks.Cancelled || string(r.Stdout) != "more" || *r.ExitCode != 3 {
		t.Errorf("amended: %+v", r)
	}
	if !strings.HasPrefix(filepath.Base(onlyFile(t, s)), r.ID) || r.ID == "" {
		t.Errorf("ID %q of file %s", r.ID, onlyFile(t, s))
	}
}

func TestNobodyElseMayRead(t *testing.T) {
	s := newStore(t, Limits{})
	s.Begin(example("c", 1)).End(End{Outcome: hooks.Succeeded})
	s.Post(Status{Subject: Subject{Namespace: "n", Container: "c"}})
	s.flush()
	for path, want := range map[string]os.FileMode{
		s.dir: 0o700, filepath.Join(s.dir, recordsDir): 0o700, filepath.Join(s.dir, statusesDir): 0o700,
		onlyFile(t, s): 0o600, s.statusPath("c@n.json"): 0o600,
	} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, st, err, want)
		}
	}
}

func TestAnAmendmentBeforeTheEndStands(t *testing.T) {
	s := newStore(t, Limits{})
	e := s.Begin(example("c", 1))
	e.Amend(End{Stdout: []byte("late")})
	e.End(End{Outcome: hooks.Succeeded, Stdout: []byte("early")})
	if r := only(t, s); string(r.Stdout) != "late" || r.Outcome != hooks.Succeeded {
		t.Errorf("got %+v", r)
	}
}

func TestOutputThatHasNotChangedIsNotWrittenAgain(t *testing.T) {
	s := newStore(t, Limits{})
	e := s.Begin(example("c", 1))
	output := bytes.Repeat([]byte("x"), 10<<10)
	e.End(End{Outcome: hooks.Succeeded, Stdout: output})
	written := func() int64 {
		s.flush()
		st, err := os.Stat(onlyFile(t, s))
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	before := written()
	e.Amend(End{Stdout: output})
	e.Amend(End{})
	if after := written(); after != before {
		t.Errorf("%d bytes, %d before the same output came late", after, before)
	}
	e.Amend(End{Stdout: output, Stderr: []byte("new")})
	size := written()
	if r := only(t, s); string(r.Stderr) != "new" || !bytes.Equal(r.Stdout, output) || size > before+100 {
		t.Errorf("got %d bytes of stdout, stderr %q, a file of %d bytes", len(r.Stdout), r.Stderr, size)
	}
}

func TestAnAmendmentOfAPrunedRecordMakesNone(t *testing.T) {
	s := newStore(t, Limits{})
	e := s.Begin(example("c", 1))
	e.End(End{Outcome: hooks.Succeeded})
	if err := os.Remove(onlyFile(t, s)); err != nil {
		t.Fatal(err)
	}
	e.Amend(End{Stdout: []byte("late")})
	s.flush()
	if records := list(t, s); len(records) > 0 {
		t.Errorf("got %+v", records)
	}
}

func TestAWriterThatIsGoneLeavesUnknown(t *testing.T) {
	s := newStore(t, Limits{})
	e := s.Begin(example("c", 1))
	s.flush()
	e.file.Close() // what the kernel does with a process that is killed
	if r := only(t, s); r.Outcome != hooks.Unknown || r.Running {
		t.Errorf("got %+v", r)
	}
	if data, err := os.ReadFile(onlyFile(t, s)); err != nil || bytes.Contains(data, []byte("Unknown")) {
		t.Errorf("reading wrote: %s, %v", data, err)
	}
}

func TestAbandonCompletesWhatADeadShimLeft(t *testing.T) {
	s := newStore(t, Limits{})
	var torn, whole, alive, other *Entry
	for _, e := range []struct {
		entry     **Entry
		container string
	}{{&torn, "dead"}, {&whole, "dead"}, {&alive, "dead"}, {&other, "other"}} {
		*e.entry = s.Begin(example(e.container, 1))
	}
	ended := s.Begin(example("dead", 9))
	ended.End(End{Outcome: hooks.Failed})
	s.flush()
	if _, err := torn.file.WriteString(`{"outcome":"Fai`); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*Entry{torn, whole, other} {
		e.file.Close()
	}
	s.Abandon("k8s.io", "dead")
	s.Abandon("other-namespace", "other")

	written := func(e *Entry) hooks.Outcome {
		data, err := os.ReadFile(s.recordPath(e.name))
		if err != nil {
			t.Fatal(err)
		}
		r, err := decode(data)
		if err != nil {
			t.Fatal(err)
		}
		return r.Outcome
	}
	for name, tt := range map[string]struct {
		entry *Entry
		want  hooks.Outcome
	}{
		"torn": {torn, hooks.Unknown}, "whole": {whole, hooks.Unknown}, "alive": {alive, ""}, "another's": {other, ""}, "ended": {ended, hooks.Failed},
	} {
		if got := written(tt.entry); got != tt.want {
			t.Errorf("%s: the file says %q, want %q", name, got, tt.want)
		}
	}
	alive.End(End{Outcome: hooks.Succeeded})
	if got := written(alive); got != hooks.Succeeded {
		t.Errorf("alive, after its end: %q", got)
	}
}

// fullStore returns a store on a file system on which nothing is free but what
// a record needs to begin, and the function that fills up the rest.
func fullStore(t *testing.T) (s *Store, fill func(), told func() []error) {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Skipf("mount a small tmpfs: %v", err)
	}
	s = Open(dir, Limits{})
	t.Cleanup(func() {
		s.flush() // what is open cannot be unmounted
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH)))
		}
	})
	var mu sync.Mutex
	var errs []error
	s.Log = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
	}
	fill = func() {
		err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 128<<10), 0o600)
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("fill the file system: %v", err)
		}
	}
	return s, fill, func() []error {
		mu.Lock()
		defer mu.Unlock()
		return errs
	}
}

func TestAFullFileSystemIsLoggedAndNoMore(t *testing.T) {
	s, fill, told := fullStore(t)
	fill()
	e := s.Begin(example("c", 1))
	e.End(End{Outcome: hooks.Succeeded})
	e.Amend(End{Stdout: []byte("late")})
	s.flush()
	if errs := told(); len(errs) == 0 || !errors.Is(errs[0], unix.ENOSPC) {
		t.Errorf("told %v, want ENOSPC", errs)
	}
	if records := list(t, s); len(records) != 0 {
		t.Errorf("got %+v", records)
	}
	if err := os.Remove(filepath.Join(s.dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	s.Begin(example("after", 1)).End(End{Outcome: hooks.Succeeded})
	if r := only(t, s); r.Container != "after" {
		t.Errorf("got %+v", r)
	}
}

func TestWithoutRoomForTheOutputTheOutcomeIsKept(t *testing.T) {
	s, fill, told := fullStore(t)
	e := s.Begin(example("c", 1))
	s.flush()
	fill()
	e.End(End{Outcome: hooks.Failed, Stdout: bytes.Repeat([]byte("x"), 32<<10)})
	if r := only(t, s); r.Outcome != hooks.Failed || r.Running || r.Stdout != nil {
		t.Errorf("got %+v", r)
	}
	s.flush()
	if errs := told(); len(errs) == 0 || !errors.Is(errs[0], unix.ENOSPC) {
		t.Errorf("told %v, want ENOSPC", errs)
	}
}

func TestARecordThatCouldNotBeginIsWrittenAtItsEnd(t *testing.T) {
	s, fill, told := fullStore(t)
	fill()
	e := s.Begin(example("c", 1))
	if err := os.Remove(filepath.Join(s.dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	e.End(End{Outcome: hooks.Failed})
	if r := only(t, s); r.Outcome != hooks.Failed || r.Container != "c" {
		t.Errorf("got %+v", r)
	}
	if errs := told(); len(errs) != 1 {
		t.Errorf("told %v, want the failed begin", errs)
	}
}

func TestEveryLineIsAnObjectOfItsOwn(t *testing.T) {
	s := newStore(t, Limits{})
	e := s.Begin(example("c", 1))
	e.End(End{Outcome: hooks.Succeeded, Detail: "two\nlines"})
	data, err := os.ReadFile(onlyFile(t, s))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2: %s", len(lines), data)
	}
	var first map[string]any
	if err := json.Unmarshal(lines[0], &first); err != nil || first["version"] != float64(Version) || first["handler"] != "exec" {
		t.Errorf("first line %v, %v", first, err)
	}
	if _, ok := first["outcome"]; ok {
		t.Errorf("the first line has an outcome: %v", first)
	}
}

// Whoever amends while the end is given comes before it or after it, never
// under it: the end would hide what was printed late.
func TestAnAmendmentBesideTheEndStands(t *testing.T) {
	s := newStore(t, Limits{})
	for n := range 200 {
		e := s.Begin(example("c", n))
		amended := make(chan struct{})
		go func() {
			defer close(amended)
			e.Amend(End{Stdout: []byte("late")})
		}()
		e.End(End{Outcome: hooks.Succeeded, Stdout: []byte("early")})
		<-amended
	}
	s.flush()
	records, _, err := s.List()
	if err != nil || len(records) != 200 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for _, r := range records {
		if string(r.Stdout) != "late" {
			t.Fatalf("attempt %s has %q", r.ID, r.Stdout)
		}
	}
}
