package main

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"time"
)

// pkg is a package of tests in the guest.
type pkg struct {
	path string // below the repository: integration/matrix
	run  string // a pattern of tests; empty: all
	skip string // a pattern of those that are left out; empty: none
}

func (p pkg) binary() string { return strings.ReplaceAll(p.path, "/", "-") + ".test" }

// plan is what a guest runs, in this order.
type plan struct {
	packages []pkg
	env      []string // NAME=value
	leftOut  []string // what is not run, and why
}

// left is tests that a whole run leaves out.
type left struct{ pattern, reason string }

// leftOut is what says the same on every node, whatever its cgroups, security modules,
// kernel and init.
var leftOut = []left{
	{`^TestCli(Calls|Events|History|Logs|PS)`, "the command line reads records and events"},
	{`^TestCliInstall(O|Prints|Leaves|Is|s)`, "the command line changes files, and installs on a node in a test that stays"},
	{`^TestAnnotation`, "annotations are read before anything is made of a node"},
	{`^TestConfig`, "so is the node's configuration"},
	{`^Test(KillThat|KillBySIGKILL|KillSurvives|KillIsRepeated|KillOutside|StartDeadlineTells|PostStartThatFailedEndsWhenTheRuntimeIsBack)`, "a script stands in for the runtime"},
	{`^TestHTTPGet`, "a hook in the shim needs a network namespace and no more"},
	{`^Test(RestartMonitor|Events)`, "containerd's own programs watch"},
	{`^TestOtherRuntimesHooksFail`, "the names of failures are the joiner's and the shim's"},
	{`^TestLogTells`, "the log's words are the shim's"},
	{`^TestShimDeathTakesALargePodAlong$`, "it holds where the machine cleans up thirty containers in the five seconds that containerd grants"},
}

// partTests are those of the short part, which depend on cgroups most of all.
const partTests = `^TestExecHookIs(ChargedToItsContainer|KilledWithAllOfItsProcessesByATimeout)$|^TestShimDeathWithAFrozenHookLeavesNothing$`

// otherLibrary is what the matrix of runtimes cannot compare in a guest.
var otherLibrary = left{`^TestHookReadsTheSameAsTheRuntimesOwnExec$/./^seccomp_default`,
	"the guest's runtimes have its libseccomp, bookend-exec that of the machine which built it: such hooks go through the runtime"}

func planFor(s settings) plan {
	p := plan{env: environment(s)}
	integration := pkg{path: "integration", run: s.run, skip: s.skip}
	switch {
	case s.part:
		integration.run = cmp.Or(s.run, partTests)
		p.leftOut = append(p.leftOut, "all but "+integration.run+": `make test-vm` runs them")
	case s.run == "":
		for _, l := range leftOut {
			p.leftOut = append(p.leftOut, l.pattern+": "+l.reason)
			integration.skip = either(integration.skip, l.pattern)
		}
		p.leftOut = append(p.leftOut, "package runtime: `make vm` runs it on cgroup v2",
			"package integration/harness: it tests what tests are made of")
	}
	if s.skip != "" {
		p.leftOut = append(p.leftOut, s.skip+": asked for")
	}
	p.packages = append(p.packages, integration)
	if !s.part {
		p.leftOut = append(p.leftOut, otherLibrary.pattern+": "+otherLibrary.reason)
		p.packages = append(p.packages, pkg{path: "integration/matrix", run: s.run, skip: either(s.skip, otherLibrary.pattern)})
		p = p.withAgent(s)
	}
	return p
}

// The package of the agent's installing, and what its tests of systemd are called. They
// are in another module; what else the package tests needs a compiler.
const (
	agentPackage = "cmd/bookend-node/internal/nodeinstall"
	agentTests   = "TestSystemd"
)

// withAgent adds them where there is a systemd.
func (p plan) withAgent(s settings) plan {
	if s.init != initSystemd {
		p.leftOut = append(p.leftOut, "package "+agentPackage+": no systemd is there that could restart containerd")
		return p
	}
	p.packages = append(p.packages, pkg{path: agentPackage, run: s.run, skip: either(s.skip, allBut(agentTests))})
	return p
}

// allBut is a pattern of the names that do not begin with one.
func allBut(begin string) string {
	pattern := ""
	for i := range begin {
		pattern = either(pattern, "^"+begin[:i]+"([^"+begin[i:i+1]+"]|$)")
	}
	return pattern
}

// either is a pattern of what matches one of two.
func either(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "|" + b
}

// without is the plan without the tests that have ended.
func (p plan) without(ended map[string][]string) plan {
	rest := p
	rest.packages = nil
	for _, k := range p.packages {
		if names := ended[k.path]; len(names) > 0 {
			k.skip = either(k.skip, "^("+strings.Join(names, "|")+")$")
		}
		rest.packages = append(rest.packages, k)
	}
	return rest
}

// Where the guest has the repository and the tools.
const (
	guestSource = "/bookend/src"
	guestTools  = guestSource + "/" + tools
)

func environment(s settings) []string {
	env := []string{
		"BOOKEND_BIN=" + guestSource + "/bin",
		"BOOKEND_TOOLS=" + guestTools,
		"BOOKEND_TEST_RUNC=" + guestTools + "/runc",
		"BOOKEND_TEST_EXEC=" + guestSource + "/bin/bookend-exec",
		"BOOKEND_TEST_PROGRAMS=/bookend/programs",
	}
	if s.init == initSystemd {
		env = append(env, "BOOKEND_TEST_CGROUPS=systemd", "BOOKEND_TEST_SYSTEMD=1")
	}
	if s.slow > 0 {
		env = append(env, fmt.Sprintf("BOOKEND_TEST_SLOW=%g", s.slow))
	}
	return env
}

// script is plan.sh: the environment, and a function that runs the packages.
func (p plan) script(timeout time.Duration) string {
	var b strings.Builder
	for _, e := range p.env {
		fmt.Fprintf(&b, "export %s\n", quote(e))
	}
	b.WriteString("suite() {\n")
	for _, k := range p.packages {
		b.WriteString("\trun")
		for _, word := range k.words(timeout) {
			b.WriteString(" " + quote(word))
		}
		b.WriteString("\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func (p pkg) words(timeout time.Duration) []string {
	words := []string{p.path, path.Join(guestSource, p.path), p.binary(),
		"-test.v=test2json", "-test.paniconexit0", "-test.timeout=" + timeout.String()}
	if p.run != "" {
		words = append(words, "-test.run="+p.run)
	}
	if p.skip != "" {
		words = append(words, "-test.skip="+p.skip)
	}
	return words
}

// quote is a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
