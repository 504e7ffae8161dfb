package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// suite is how critest is called: the same way for every handler.
type suite struct {
	critest     string
	out         string // directory for logs and reports
	timeout     time.Duration
	seed        int64    // of the order of the tests
	focus, skip string   // regular expressions; empty: none
	args        []string // further ones, for critest itself
}

// call is one call of critest.
type call struct {
	socket  string // of containerd
	nri     string // the socket for NRI plugins
	handler string
	tests   []string // by name; nil: all that the suite's focus and skip leave
	name    string   // of its log and report
}

// grace is the time critest has to clean up after its timeout.
const grace = 30 * time.Second

// run makes a call. Tests that fail are results, not errors.
func (s suite) run(ctx context.Context, c call) (results, error) {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return results{}, err
	}
	scratch, err := os.MkdirTemp("/tmp", "critest-*")
	if err != nil {
		return results{}, err
	}
	leftBefore, err := segments()
	if err != nil {
		return results{}, err
	}
	runErr := s.call(ctx, scratch, c)
	err = errors.Join(removeSegments(leftBefore), removeScratch(scratch))
	if runErr != nil || err != nil {
		return results{}, errors.Join(runErr, err)
	}
	report, err := os.Open(s.report(c))
	if err != nil {
		return results{}, err
	}
	defer report.Close()
	all, err := readReport(report)
	if err != nil {
		return results{}, fmt.Errorf("%w; its log is %s", err, s.log(c))
	}
	if c.tests == nil {
		return all, nil
	}
	return all.only(c.tests)
}

func (s suite) call(ctx context.Context, scratch string, c call) error {
	if err := os.RemoveAll(s.report(c)); err != nil { // an old one must not pass for this call's
		return err
	}
	log, err := os.Create(s.log(c))
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(ctx, s.timeout+grace)
	defer cancel()
	critest := exec.CommandContext(ctx, s.critest, s.arguments(c)...)
	critest.Env = append(os.Environ(), "TMPDIR="+scratch, "NO_PROXY=*") // pods are reached directly
	critest.Stdout, critest.Stderr = log, log
	critest.Cancel = func() error { return critest.Process.Signal(syscall.SIGINT) } // it cleans up
	critest.WaitDelay = grace
	err = critest.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 && isFile(s.report(c)) {
		return ctx.Err() // tests failed, or it was interrupted
	}
	if err != nil {
		return fmt.Errorf("%s with handler %s: %w; its log is %s", s.critest, c.handler, err, log.Name())
	}
	return nil
}

func (s suite) arguments(c call) []string {
	args := append([]string{
		"-runtime-endpoint", "unix://" + c.socket,
		"-image-endpoint", "unix://" + c.socket,
		"-nri-socket", c.nri,
		"-runtime-handler", c.handler,
		"-ginkgo.json-report", s.report(c),
		"-ginkgo.no-color",
		"-ginkgo.seed", strconv.FormatInt(s.seed, 10),
		"-ginkgo.timeout", s.timeout.String(),
	}, s.args...)
	switch {
	case c.tests != nil:
		for _, test := range c.tests {
			args = append(args, "-ginkgo.focus", pattern(test))
		}
	case s.focus != "":
		args = append(args, "-ginkgo.focus", s.focus)
	}
	if s.skip != "" {
		args = append(args, "-ginkgo.skip", s.skip)
	}
	return args
}

// scope says which tests a call runs.
func (s suite) scope(c call) string {
	if c.tests != nil {
		return fmt.Sprintf("%d of the tests", len(c.tests))
	}
	scope := "all tests"
	if s.focus != "" {
		scope += fmt.Sprintf(" that match %q", s.focus)
	}
	if s.skip != "" {
		scope += fmt.Sprintf(" but those that match %q", s.skip)
	}
	return scope
}

// numbered is what results add to the name of a test that is there more than once.
var numbered = regexp.MustCompile(` \(\d+\)$`)

// pattern matches the test of this name, and others whose names end like it. critest matches it with
// the suite's own name before the test's.
func pattern(test string) string {
	return " " + regexp.QuoteMeta(numbered.ReplaceAllString(test, "")) + `( \(\d+\))?$`
}

func (s suite) log(c call) string    { return filepath.Join(s.out, c.name+".log") }
func (s suite) report(c call) string { return filepath.Join(s.out, c.name+".json") }
