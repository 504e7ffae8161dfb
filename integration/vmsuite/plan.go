package main

import (
	"fmt"
	"path"
	"strings"
)

// pkg is a package of tests in the guest.
type pkg struct {
	path     string // below the module: integration/matrix
	run      string // a pattern of tests; empty: all
	skip     string
	omitted  string // why what skip names is left out
	parallel int    // 0: Go's default
}

func (p pkg) binary() string { return strings.ReplaceAll(p.path, "/", "-") + ".test" }

// plan is what a guest runs, in this order.
type plan struct {
	packages []pkg
	env      []string
}

func planFor(s settings) plan {
	p := plan{packages: []pkg{{path: "integration"}}}
	for i := range p.packages {
		if s.run != "" {
			p.packages[i].run = s.run
		}
		if s.skip != "" {
			p.packages[i].skip = s.skip
		}
	}
	p.env = []string{
		"BOOKEND_BIN=" + guestSource + "/bin",
		"BOOKEND_TOOLS=" + guestTools,
		"BOOKEND_TEST_RUNC=" + guestTools + "/runc",
		"BOOKEND_TEST_EXEC=" + guestSource + "/bin/bookend-exec",
		"BOOKEND_TEST_PROGRAMS=/bookend/programs",
	}
	if s.init == initSystemd {
		p.env = append(p.env, "BOOKEND_TEST_CGROUPS=systemd")
	}
	if s.slow > 0 {
		p.env = append(p.env, fmt.Sprintf("BOOKEND_TEST_SLOW=%g", s.slow))
	}
	return p
}

// Where the guest has the repository and the tools.
const (
	guestSource = "/bookend/src"
	guestTools  = guestSource + "/.cache/tools/bin"
)

// script is plan.sh.
func (p plan) script(s settings) string {
	var b strings.Builder
	for _, e := range p.env {
		fmt.Fprintf(&b, "export %s\n", quote(e))
	}
	b.WriteString("suite() {\n")
	for _, k := range p.packages {
		args := []string{k.path, path.Join(guestSource, k.path), k.binary(),
			"-test.v=test2json", "-test.paniconexit0", "-test.timeout=" + s.timeout.String()}
		if k.run != "" {
			args = append(args, "-test.run="+k.run)
		}
		if k.skip != "" {
			args = append(args, "-test.skip="+k.skip)
		}
		if k.parallel > 0 {
			args = append(args, fmt.Sprintf("-test.parallel=%d", k.parallel))
		}
		b.WriteString("run")
		for _, a := range args {
			b.WriteString(" " + quote(a))
		}
		b.WriteString("\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// quote is a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
