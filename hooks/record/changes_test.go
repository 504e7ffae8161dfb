package record

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

// changes returns what is new of a follower, each as "container attempt outcome".
func changes(t *testing.T, f *Follower, maxBytes int64) (got string, omitted int) {
	t.Helper()
	var all []string
	omitted, skipped, err := f.Changes(maxBytes, func(r Record) error {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %d %s", r.Container, r.Attempt, r.Outcome)))
		return nil
	})
	if err != nil || skipped != nil {
		t.Errorf("skipped %v, %v", skipped, err)
	}
	return strings.Join(all, ", "), omitted
}

func ofContainer(container string) func(Subject) bool {
	return func(c Subject) bool { return c.Container == container }
}

func TestAFollowerOfOneContainerSeesNoOther(t *testing.T) {
	s := newStore(t, Limits{})
	f := s.FollowOf(ofContainer("a"))
	wants := func(want string) {
		t.Helper()
		if got, omitted := changes(t, f, math.MaxInt64); got != want || omitted != 0 {
			t.Errorf("got %q, %d omitted; want %q", got, omitted, want)
		}
	}
	wants("")
	a, b := s.Begin(example("a", 1)), s.Begin(example("b", 1))
	wants("a 1")
	wants("")
	a.End(End{Outcome: hooks.Failed})
	b.End(End{Outcome: hooks.Failed})
	wants("a 1 Failed")
	b.Amend(End{Outcome: hooks.Cancelled})
	a.Amend(End{Outcome: hooks.Cancelled})
	s.flush()
	wants("a 1 Cancelled")
}

// A file that is empty when it is first looked at says nothing of its container.
func TestARecordThatIsAboutToBeWrittenMayBeAnothers(t *testing.T) {
	s := newStore(t, Limits{})
	s.Begin(example("a", 1)).End(End{Outcome: hooks.Succeeded})
	late := filepath.Join(s.dir, recordsDir, "09999999999999999999-0000000a.jsonl")
	if err := os.WriteFile(late, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := s.FollowOf(ofContainer("a"))
	if got, _ := changes(t, f, math.MaxInt64); got != "a 1 Succeeded" {
		t.Errorf("at first: %q", got)
	}
	if err := os.WriteFile(late, []byte(firstLine), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := changes(t, f, math.MaxInt64); got != "" {
		t.Errorf("another container's: %q", got)
	}
}

func TestTheOldestAreLeftOutBeyondTheBound(t *testing.T) {
	s := newStore(t, Limits{})
	output := []byte(strings.Repeat("x", 3000)) // 4000 in base64
	for i := range 5 {
		s.Begin(example("a", i+1)).End(End{Outcome: hooks.Succeeded, Stdout: output})
	}
	s.Begin(example("b", 1)).End(End{Outcome: hooks.Succeeded, Stdout: output}) // takes no room of a's
	f := s.FollowOf(ofContainer("a"))
	if got, omitted := changes(t, f, 10_000); got != "a 4 Succeeded, a 5 Succeeded" || omitted != 3 {
		t.Errorf("got %q, %d omitted", got, omitted)
	}
	if got, omitted := changes(t, f, 10_000); got != "" || omitted != 0 {
		t.Errorf("though nothing has changed: %q, %d omitted", got, omitted)
	}
}

func TestAReaderCanEndTheReading(t *testing.T) {
	s := newStore(t, Limits{})
	for i := range 3 {
		s.Begin(example("a", i+1)).End(End{Outcome: hooks.Succeeded})
	}
	gone, read := errors.New("gone"), 0
	_, _, err := s.Follow().Changes(math.MaxInt64, func(Record) error { read++; return gone })
	if !errors.Is(err, gone) || read != 1 {
		t.Errorf("%d read, %v", read, err)
	}
}
