package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// event is one line of go test -json (`go doc test2json`).
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
}

// result is how a test, or a part of one, ended.
type result struct {
	pkg, test string
	action    string // pass, fail or skip; empty: it did not end
	seconds   float64
	output    []string
}

// report reads a guest's results as they come. It is an io.Writer of what the
// guest writes to its second console.
type report struct {
	settings settings
	shown    io.Writer // as it comes
	facts    []string  // what suite.sh says of the guest, in order
	results  []*result
	statuses map[string]int // of packages that ended
	refused  string         // why the guest runs no tests
	done     bool           // it ran all of the plan

	pending  []byte // a line without its end
	running  map[string]*result
	pkg      string
	convert  *exec.Cmd
	stdin    io.WriteCloser
	read     chan error
	keep     *os.File
	problems []string
}

func newReport(s settings, shown io.Writer) (*report, error) {
	keep, err := os.Create(s.resultsPath())
	if err != nil {
		return nil, err
	}
	return &report{settings: s, shown: shown, statuses: map[string]int{}, keep: keep}, nil
}

// Write takes a part of what the guest writes.
func (r *report) Write(b []byte) (int, error) {
	r.pending = append(r.pending, b...)
	for {
		i := bytes.IndexByte(r.pending, '\n')
		if i < 0 {
			return len(b), nil
		}
		line := r.pending[:i+1]
		r.pending = r.pending[i+1:]
		if err := r.line(line); err != nil {
			return 0, err
		}
	}
}

func (r *report) line(line []byte) error {
	if line[0] != 1 {
		if r.stdin == nil {
			return nil
		}
		_, err := r.stdin.Write(line)
		return err
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(string(line[1:])), " ")
	switch word {
	case "package":
		return r.begin(rest)
	case "status":
		pkg, status, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(status)
		if err != nil {
			return err
		}
		r.statuses[pkg] = n
		return r.end()
	case "refused":
		r.refused = rest
	case "done":
		r.done = true
	default:
		fact := strings.TrimSpace(word + " " + rest)
		r.facts = append(r.facts, fact)
		fmt.Fprintln(r.shown, fact)
	}
	return nil
}

// begin has go's own tool read what a package's tests print.
func (r *report) begin(pkg string) error {
	r.pkg, r.running = pkg, map[string]*result{}
	r.convert = exec.Command("go", "tool", "test2json", "-t", "-p", pkg)
	r.convert.Stderr = os.Stderr
	out, err := r.convert.StdoutPipe()
	if err != nil {
		return err
	}
	if r.stdin, err = r.convert.StdinPipe(); err != nil {
		return err
	}
	if err := r.convert.Start(); err != nil {
		return err
	}
	r.read = make(chan error, 1)
	go func() { r.read <- r.events(out) }()
	return nil
}

// end waits until all of a package's events are read.
func (r *report) end() error {
	if r.stdin == nil {
		return nil
	}
	r.stdin.Close()
	r.stdin = nil
	if err := <-r.read; err != nil {
		return err
	}
	// Another guest may have run them before.
	r.results = slices.DeleteFunc(r.results, func(t *result) bool { return t.action == "" && t.pkg == r.pkg })
	for _, name := range slices.Sorted(maps.Keys(r.running)) {
		r.results = append(r.results, r.running[name])
	}
	r.running = nil
	return r.convert.Wait()
}

func (r *report) events(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := r.keep.Write(line); err != nil {
			return err
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("read what a test prints: %w", err)
		}
		r.event(e)
	}
}

func (r *report) event(e event) {
	switch e.Action {
	case "run":
		r.running[e.Test] = &result{pkg: r.pkg, test: e.Test}
	case "output":
		if t := r.running[e.Test]; t != nil {
			t.output = append(t.output, e.Output)
		} else if e.Test == "" && !r.settings.verbose && strings.TrimSpace(e.Output) != "" {
			r.problems = append(r.problems, e.Output)
		}
		if r.settings.verbose {
			fmt.Fprint(r.shown, e.Output)
		}
	case "pass", "fail", "skip":
		t := r.running[e.Test]
		if t == nil {
			return // a package
		}
		t.action, t.seconds = e.Action, e.Elapsed
		r.results = append(r.results, t)
		delete(r.running, e.Test)
		r.show(t)
	}
}

// show tells of a test that has ended.
func (r *report) show(t *result) {
	if t.action == "fail" && !r.settings.verbose {
		fmt.Fprint(r.shown, strings.Join(t.output, ""))
	}
	if !strings.Contains(t.test, "/") {
		fmt.Fprintf(r.shown, "%s %s (%.1fs)\n", strings.ToUpper(t.action), t.test, t.seconds)
	}
}

func (r *report) close() error {
	err := r.end()
	if cerr := r.keep.Close(); err == nil {
		err = cerr
	}
	return err
}

var errCutOff = errors.New("the guest ended before its plan did")

// cut tells why a guest, whose boot returned err, did not come to the end of its plan
// though nothing spoke against it; nil: it did, or another one would not either.
func (r *report) cut(err error) error {
	switch {
	case errors.Is(err, errSilent):
		return err
	case err == nil && len(r.facts) > 0 && r.refused == "" && !r.done:
		return errCutOff
	}
	return nil
}

// ended names the tests of each package that have ended, but for parts of tests.
func (r *report) ended() map[string][]string {
	names := map[string][]string{}
	for _, t := range r.results {
		if t.action != "" && !strings.Contains(t.test, "/") {
			names[t.pkg] = append(names[t.pkg], t.test)
		}
	}
	return names
}
