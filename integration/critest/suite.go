package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// suite is how critest is called: the same way for every handler.
type suite struct {
	critest string
	out     string // directory for logs and reports
	timeout time.Duration
	seed    int64 // of the order of the tests
	args    []string
}

// grace is the time critest has to clean up after its timeout.
const grace = 30 * time.Second

// run runs critest against the containerd that listens on socket, its pods with handler. Tests that
// fail are results, not errors.
func (s suite) run(ctx context.Context, socket, handler string) (results, error) {
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
	runErr := s.call(ctx, scratch, socket, handler)
	err = errors.Join(removeSegments(leftBefore), removeScratch(scratch))
	if runErr != nil || err != nil {
		return results{}, errors.Join(runErr, err)
	}
	report, err := os.Open(s.file(handler, "json"))
	if err != nil {
		return results{}, err
	}
	defer report.Close()
	return readReport(report)
}

func (s suite) call(ctx context.Context, scratch, socket, handler string) error {
	report := s.file(handler, "json")
	if err := os.RemoveAll(report); err != nil { // an old one must not pass for this run's
		return err
	}
	log, err := os.Create(s.file(handler, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(ctx, s.timeout+grace)
	defer cancel()
	critest := exec.CommandContext(ctx, s.critest, append([]string{
		"-runtime-endpoint", "unix://" + socket,
		"-image-endpoint", "unix://" + socket,
		"-runtime-handler", handler,
		"-ginkgo.json-report", report,
		"-ginkgo.no-color",
		"-ginkgo.seed", strconv.FormatInt(s.seed, 10),
		"-ginkgo.timeout", s.timeout.String(),
	}, s.args...)...)
	critest.Env = append(os.Environ(), "TMPDIR="+scratch, "NO_PROXY=*") // pods are reached directly
	critest.Stdout, critest.Stderr = log, log
	critest.Cancel = func() error { return critest.Process.Signal(syscall.SIGINT) } // it cleans up
	critest.WaitDelay = grace
	err = critest.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 && isFile(report) {
		return ctx.Err() // tests failed, or it was interrupted
	}
	if err != nil {
		return fmt.Errorf("%s with handler %s: %w; its log is %s", s.critest, handler, err, log.Name())
	}
	return nil
}

// in returns the suite with its logs and reports in a directory below its own, so that a handler can be
// compared with itself.
func (s suite) in(dir string) suite {
	s.out = filepath.Join(s.out, dir)
	return s
}

func (s suite) file(handler, extension string) string {
	return filepath.Join(s.out, handler+"."+extension)
}
