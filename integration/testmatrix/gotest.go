package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

// testEvent is one line of `go test -json`; cmd/test2json documents it.
type testEvent struct {
	Action string
	Test   string // empty: it is about the package
	Output string
}

// testRun is one test as far as it was seen.
type testRun struct {
	name   string
	state  outcome.State // empty: it has not ended
	said   []string      // by Log, Error or Skip, in order, without files and lines
	output []string      // all that it printed
	parent *testRun
	inner  bool // it has subtests
	broken bool // one of them failed
	named  bool // an event names it: else it is but the part of another's name before a slash
}

// goTest is one run of a package's tests.
type goTest struct {
	tests   map[string]*testRun
	order   []*testRun
	said    []string // what no test said
	failed  bool     // the package did
	damaged bool     // it ended before all of its tests had run
}

// message is what a test prints by Log, Error or Skip: a file, a line, and the text.
var message = regexp.MustCompile(`^\s+[\w./-]+\.go:\d+: (.*)$`)

// progress is what the testing package itself prints about a test.
var progress = regexp.MustCompile(`^(=== [A-Z]+ |\s*--- [A-Z]+: |\s*$)`)

// indent is what it puts before a message.
const indent = "    "

// readGoTest reads the output of `go test -json` of one package. Lines that are not
// JSON are a build's.
func readGoTest(r io.Reader) ([]outcome.Outcome, error) {
	run := goTest{tests: map[string]*testRun{}}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			var e testEvent
			if json.Unmarshal([]byte(line), &e) != nil {
				e = testEvent{Action: "output", Output: line}
			}
			run.add(e)
		}
		if err == io.EOF {
			return run.outcomes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

var states = map[string]outcome.State{"pass": outcome.Passed, "fail": outcome.Failed, "skip": outcome.Skipped}

func (g *goTest) add(e testEvent) {
	state, ended := states[e.Action]
	if e.Test != "" {
		g.test(e.Test).named = true
	}
	switch {
	case e.Test == "" && ended:
		g.failed = state == outcome.Failed
	case e.Test == "":
		g.say(nil, e.Output)
	case ended:
		t := g.test(e.Test)
		t.state = state
		for outer := t.parent; state == outcome.Failed && outer != nil; outer = outer.parent {
			outer.broken = true
		}
	default:
		g.say(g.test(e.Test), e.Output)
	}
}

// say notes a line of output, and that a panic, or a test binary that was stopped, ends
// all tests.
func (g *goTest) say(t *testRun, line string) {
	text := strings.TrimSpace(line)
	if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "signal: ") || strings.HasPrefix(line, "fatal error: ") {
		g.damaged = true
		g.said = append(g.said, text)
	}
	if t == nil {
		if text != "" {
			g.said = append(g.said, text)
		}
		return
	}
	line = strings.TrimRight(line, "\n")
	if found := message.FindStringSubmatch(line); found != nil {
		t.said = append(t.said, found[1])
	}
	if !progress.MatchString(line) {
		t.output = append(t.output, strings.TrimPrefix(line, indent))
	}
}

func (g *goTest) test(name string) *testRun {
	if t := g.tests[name]; t != nil {
		return t
	}
	t := &testRun{name: name}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		t.parent = g.test(name[:i])
		t.parent.inner = true
	}
	g.tests[name] = t
	g.order = append(g.order, t)
	return t
}

// outcomes are those of the tests that have no subtests, and of those with subtests that
// failed or were skipped themselves. A package that failed though no test did is one more.
func (g *goTest) outcomes() []outcome.Outcome {
	var all []outcome.Outcome
	failures := 0
	g.damaged = g.damaged && g.failed
	for _, t := range g.order {
		o := outcome.Outcome{Test: t.name, State: t.state}
		switch {
		case !t.named:
			continue
		case t.inner && (t.state == outcome.Passed || t.broken || t.state == "" && g.damaged):
			continue // its subtests say all
		case t.state == "":
			o.State, o.Reason = outcome.Failed, "it did not end"
		case t.state == outcome.Failed:
			o.Reason = strings.Join(head(t.output, failureLines), "\n")
		default:
			o.Reason = strings.Join(t.said, "\n")
		}
		if o.State == outcome.Failed {
			failures++
		}
		all = append(all, o)
	}
	if g.damaged || g.failed && failures == 0 {
		reason := strings.Join(head(g.said, failureLines), "\n")
		if g.damaged {
			reason = fmt.Sprintf("tests that come after this did not run: %s", reason)
		}
		all = append(all, outcome.Outcome{Test: wholePackage, State: outcome.Failed, Reason: reason})
	}
	return all
}

const (
	// failureLines is how much is told of a failure.
	failureLines = 60
	// wholePackage stands for the name of a test where no test failed, but its package.
	wholePackage = "(the package)"
)

func head(lines []string, most int) []string { return lines[:min(len(lines), most)] }
