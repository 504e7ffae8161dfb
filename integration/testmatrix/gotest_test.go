package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

// runGoTest runs the tests of a package of one file as a suite is run, and returns what
// became of them.
func runGoTest(t *testing.T, tests string) []outcome.Outcome {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":    "module sample\n\ngo 1.26\n",
		"x_test.go": "package sample\n\nimport \"testing\"\n\n" + tests,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-json", "-count=1", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, _ := cmd.CombinedOutput() // it fails with its tests
	got, err := readGoTest(strings.NewReader(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGoTestsOutcomes(t *testing.T) {
	got := runGoTest(t, `
func TestPasses(t *testing.T) { t.Log("all is well") }
func TestSkips(t *testing.T)  { t.Skip("needs criu: none") }
func TestFails(t *testing.T)  { t.Log("first"); t.Error("it is 1,\nwant 2"); t.Error("third") }
func TestGroup(t *testing.T) {
	t.Run("fine", func(t *testing.T) {})
	t.Run("bad", func(t *testing.T) { t.Error("bad") })
	t.Run("deep", func(t *testing.T) { t.Run("er", func(t *testing.T) { t.Skip("too deep") }) })
}
func TestGoodGroup(t *testing.T) { t.Run("a", func(t *testing.T) {}) }
func TestSlashes(t *testing.T) {
	t.Run("dir/hosts", func(t *testing.T) {})
	t.Run("/etc/none", func(t *testing.T) { t.Error("none") })
}
func TestLeaks(t *testing.T) {
	t.Run("fine", func(t *testing.T) {})
	t.Error("left behind")
}
`)
	want := []outcome.Outcome{
		{Test: "TestPasses", State: outcome.Passed, Reason: "all is well"},
		{Test: "TestSkips", State: outcome.Skipped, Reason: "needs criu: none"},
		{Test: "TestFails", State: outcome.Failed, Reason: "x_test.go:8: first\nx_test.go:8: it is 1,\n    want 2\nx_test.go:8: third"},
		{Test: "TestGroup/fine", State: outcome.Passed},
		{Test: "TestGroup/bad", State: outcome.Failed, Reason: "x_test.go:11: bad"},
		{Test: "TestGroup/deep/er", State: outcome.Skipped, Reason: "too deep"},
		{Test: "TestGoodGroup/a", State: outcome.Passed},
		{Test: "TestSlashes/dir/hosts", State: outcome.Passed},
		{Test: "TestSlashes//etc/none", State: outcome.Failed, Reason: "x_test.go:17: none"},
		{Test: "TestLeaks", State: outcome.Failed, Reason: "x_test.go:21: left behind"},
		{Test: "TestLeaks/fine", State: outcome.Passed},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// Tests that did not get to run must not look like tests that do not exist.
func TestGoTestsThatEndEarly(t *testing.T) {
	for name, tt := range map[string]struct{ tests, said string }{
		"panic":         {"func TestA(t *testing.T) { var m map[string]int; m[t.Name()] = 1 }\nfunc TestB(t *testing.T) {}\n", "panic: assignment to entry in nil map"},
		"no build":      {"func TestA(t *testing.T) { undefined() }\n", "undefined: undefined"},
		"exit in main":  {"func TestA(t *testing.T) {}\nfunc TestMain(m *testing.M) { m.Run(); panic(1) }\n", "panic: 1"},
		"panic of init": {"func init() { panic(2) }\nfunc TestA(t *testing.T) {}\n", "panic: 2"},
	} {
		t.Run(name, func(t *testing.T) {
			got := runGoTest(t, tt.tests)
			if len(got) == 0 {
				t.Fatal("no outcome")
			}
			last := got[len(got)-1]
			if last.Test != wholePackage || last.State != outcome.Failed || !strings.Contains(last.Reason, tt.said) {
				t.Errorf("got %q, want a failure of the package with %q", got, tt.said)
			}
		})
	}
}

// A test that was running when the binary was stopped has failed.
func TestGoTestsThatDoNotEnd(t *testing.T) {
	const stream = `{"Action":"run","Test":"TestA"}
{"Action":"run","Test":"TestA/b"}
{"Action":"output","Test":"TestA/b","Output":"panic: test timed out after 1m0s\n"}
{"Action":"output","Output":"FAIL\tsample\t60.0s\n"}
{"Action":"fail"}
`
	got, err := readGoTest(strings.NewReader(stream))
	want := []outcome.Outcome{
		{Test: "TestA/b", State: outcome.Failed, Reason: "it did not end"},
		{Test: wholePackage, State: outcome.Failed, Reason: "tests that come after this did not run: panic: test timed out after 1m0s\nFAIL\tsample\t60.0s"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

// What a test prints is no end of it.
func TestGoTestThatPrintsPanicAndPasses(t *testing.T) {
	const stream = `{"Action":"output","Test":"TestA","Output":"panic: of a program that was to\n"}
{"Action":"pass","Test":"TestA"}
{"Action":"pass"}
`
	got, err := readGoTest(strings.NewReader(stream))
	if want := []outcome.Outcome{{Test: "TestA", State: outcome.Passed}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}
