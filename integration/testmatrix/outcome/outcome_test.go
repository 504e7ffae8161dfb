package outcome

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestOutcomesAreReadAsTheyWereWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outcomes")
	want := []Outcome{{Test: "a [b] c", State: Passed}, {Test: "d", State: Failed, Reason: "one\ntwo"}, {Test: "e", State: Skipped, Reason: "no"}}
	if err := Write(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOutcomesThatAreNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outcomes")
	for _, text := range []string{"", "{", `[{"test":"a","state":"panicked"}]`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
