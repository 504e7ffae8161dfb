package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

// sh is a suite that a script is; $2 is the file of outcomes.
func sh(script string) suite {
	return suite{name: "sh", command: []string{"sh", "-c", script, "sh"}, outcomes: "-outcomes"}
}

func TestSuiteTellsItsOutcomes(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s := sh(`echo "tools $BOOKEND_TOOLS"; echo '[{"test":"a","state":"failed","reason":"b"}]' >$2; exit 1`)
	got, err := s.run(t.Context(), "/tools", log)
	if want := []outcome.Outcome{{Test: "a", State: outcome.Failed, Reason: "b"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if said, err := os.ReadFile(log); err != nil || string(said) != "tools /tools\n" {
		t.Errorf("log %q, %v", said, err)
	}
}

// A suite that broke must not look like one that passed.
func TestSuiteThatBreaks(t *testing.T) {
	for name, tt := range map[string]struct{ script, want string }{
		"no outcomes":     {`exit 1`, "no such file"},
		"without a test":  {`echo '[]' >$2`, errNoOutcome.Error()},
		"fails otherwise": {`echo '[{"test":"a","state":"passed"}]' >$2; exit 3`, "exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			logs := t.TempDir()
			log := filepath.Join(logs, "2.2-sh.log")
			// What an earlier run left is not this one's.
			if err := outcome.Write(log+".json", []outcome.Outcome{{Test: "old", State: outcome.Passed}}); err != nil {
				t.Fatal(err)
			}
			got, err := release{name: "2.2"}.run(t.Context(), sh(tt.script), logs, &strings.Builder{})
			if err != nil || len(got.outcomes) != 1 || got.outcomes[0].State != outcome.Failed || !strings.Contains(got.outcomes[0].Reason, tt.want) {
				t.Errorf("got %v, %v, want a failure that says %q", got.outcomes, err, tt.want)
			}
		})
	}
}

// An interrupted suite cleans up, and ends the matrix.
func TestSuiteInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	s := sh(`trap 'kill $!; echo cleaned up; exit 1' INT; sleep 60 & touch ` + dir + `/ready; wait`)
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if _, err := os.Stat(dir + "/ready"); err == nil {
				return
			}
			<-time.After(5 * time.Millisecond)
		}
	}()
	if _, err := (release{name: "2.2"}).run(ctx, s, dir, &strings.Builder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if said, err := os.ReadFile(filepath.Join(dir, "2.2-sh.log")); err != nil || string(said) != "cleaned up\n" {
		t.Errorf("log %q, %v", said, err)
	}
}

func TestChoose(t *testing.T) {
	all := suites([]string{"./integration", "./integration/harness"}, "^TestX")
	names := func(list string) (names []string) {
		chosen, err := choose(all, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range chosen {
			names = append(names, s.name)
		}
		return names
	}
	if got := names(""); !slices.Equal(got, []string{"integration", "harness", "critest", "pod"}) {
		t.Errorf("all: %q", got)
	}
	if got := names("pod, harness"); !slices.Equal(got, []string{"pod", "harness"}) {
		t.Errorf("two: %q", got)
	}
	if got, err := choose(all, "pods"); err == nil {
		t.Errorf("one that does not exist: %v", got)
	}
}

func TestFindRelease(t *testing.T) {
	dir := t.TempDir()
	if got, err := findRelease(t.Context(), dir); err == nil {
		t.Errorf("no containerd: %v", got)
	}
	if err := os.WriteFile(dir+"/containerd", []byte("#!/bin/sh\necho 'containerd example/v2 v2.5.0-rc.1 '\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := findRelease(t.Context(), dir); err != nil || got != (release{"2.5", "2.5.0-rc.1", dir}) {
		t.Errorf("got %v, %v", got, err)
	}
}
