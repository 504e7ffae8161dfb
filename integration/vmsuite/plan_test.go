package main

import (
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlanIsAScriptOfTheShell(t *testing.T) {
	p := plan{env: []string{"GREETING=it's me"}, packages: []pkg{{path: "integration/matrix", run: "^Test(A|B's)$", skip: "C"}}}
	script := "run() { for a; do echo \"[$a]\"; done; }\n" + p.script(time.Minute) + "echo \"$GREETING\"\nsuite\n"
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []string{"it's me", "[integration/matrix]", "[/bookend/src/integration/matrix]", "[integration-matrix.test]",
		"[-test.v=test2json]", "[-test.paniconexit0]", "[-test.timeout=1m0s]", "[-test.run=^Test(A|B's)$]", "[-test.skip=C]"}
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPlanLeavesOutTestsThatExist(t *testing.T) {
	names := testsOf(t, "..")
	patterns := []string{}
	for _, l := range leftOut {
		patterns = append(patterns, l.pattern)
	}
	for _, pattern := range append(patterns, strings.Split(partTests, "|^")...) {
		re := regexp.MustCompile(pattern)
		if !slices.ContainsFunc(names, re.MatchString) {
			t.Errorf("no test is of %s", pattern)
		}
	}
}

func TestPlanLeavesOutATestOfTheMatrixThatExists(t *testing.T) {
	pattern, _, _ := strings.Cut(otherLibrary.pattern, "/")
	if !slices.ContainsFunc(testsOf(t, "../matrix"), regexp.MustCompile(pattern).MatchString) {
		t.Errorf("no test is of %s", pattern)
	}
}

// testsOf names the tests of the package in a directory.
func testsOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name := range f.Scope.Objects {
			if strings.HasPrefix(name, "Test") {
				names = append(names, name)
			}
		}
	}
	return names
}

// Of the agent's package a guest with systemd runs the tests of systemd, whatever is asked
// for, and another one none.
func TestPlanHasTheAgentsTestsOfSystemd(t *testing.T) {
	names := testsOf(t, "../../"+agentPackage)
	for _, s := range []settings{{init: initSystemd}, {init: initSystemd, run: "Test"}, {init: initSystemd, skip: "X"}} {
		p := planFor(s)
		last := p.packages[len(p.packages)-1]
		skip := regexp.MustCompile(last.skip)
		run := slices.DeleteFunc(slices.Clone(names), skip.MatchString)
		if last.path != agentPackage || last.run != s.run || len(run) < 2 || len(run) == len(names) {
			t.Errorf("%+v: %+v, which runs %q", s, last, run)
		}
		for _, name := range names {
			if slices.Contains(run, name) != strings.HasPrefix(name, agentTests) {
				t.Errorf("%+v: runs %q", s, run)
			}
		}
	}
	p := planFor(settings{init: initSmall})
	if slices.ContainsFunc(p.packages, func(k pkg) bool { return k.path == agentPackage }) || !strings.Contains(strings.Join(p.leftOut, "\n"), agentPackage) {
		t.Errorf("without systemd: %+v", p)
	}
}

func TestPlanTellsTheDriverOfCgroups(t *testing.T) {
	for init, want := range map[string]bool{initSystemd: true, initSmall: false} {
		if got := slices.Contains(planFor(settings{init: init}).env, "BOOKEND_TEST_CGROUPS=systemd"); got != want {
			t.Errorf("init %s: %v", init, got)
		}
	}
}
