package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"bookend.dev/bookend/integration/testmatrix/outcome"
)

// suite is a set of tests.
type suite struct {
	name string
	// command runs it, where outcomes are to be written to a file that the suite names
	// so; nil: to standard output, as `go test -json` does.
	command  []string
	outcomes string // the flag that names the file; empty: none
}

// suites are those of packages of tests, then the programs'. match picks tests of the
// former by a regular expression.
func suites(packages []string, match string) []suite {
	var all []suite
	for _, pkg := range packages {
		all = append(all, suite{
			name:    filepath.Base(pkg),
			command: []string{"go", "test", "-json", "-count=1", "-timeout=30m", "-run", match, pkg},
		})
	}
	return append(all,
		suite{name: "critest", command: []string{"go", "run", "./integration/critest"}, outcomes: "-outcomes"},
		suite{name: "pod", command: []string{"go", "run", "./integration/demo"}, outcomes: "-outcomes"})
}

// endTimeout is how long a suite may take to clean up after an interrupt.
const endTimeout = 2 * time.Minute

// run runs the suite with a directory of tools; all that it prints goes to log.
func (s suite) run(ctx context.Context, tools, log string) ([]outcome.Outcome, error) {
	args, written := s.command, log+".json"
	if s.outcomes != "" {
		if err := os.Remove(written); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		args = append(append([]string{}, args...), s.outcomes, written)
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "BOOKEND_TOOLS="+tools)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = endTimeout
	ended := cmd.Run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); ended != nil && !errors.As(ended, &exit) {
		return nil, ended
	}
	outcomes, err := s.read(log, written)
	if err != nil {
		return nil, errors.Join(err, ended)
	}
	return judged(outcomes, ended)
}

// read reads what the suite left.
func (s suite) read(log, written string) ([]outcome.Outcome, error) {
	if s.outcomes != "" {
		return outcome.Read(written)
	}
	out, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	return readGoTest(out)
}

// judged refuses outcomes that say nothing, and a suite that failed without a failure.
func judged(outcomes []outcome.Outcome, ended error) ([]outcome.Outcome, error) {
	if len(outcomes) == 0 {
		return nil, errors.Join(errNoOutcome, ended)
	}
	for _, o := range outcomes {
		if o.State == outcome.Failed {
			return outcomes, nil
		}
	}
	if ended != nil {
		return nil, fmt.Errorf("no test failed, and yet: %w", ended)
	}
	return outcomes, nil
}
